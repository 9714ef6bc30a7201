#!/usr/bin/env python3
"""Train cost/1: the cost of sending a parcel. The rows are made up, from an invented tariff with noise."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python" / "src"))

import numpy as np
import pandas as pd
from servemodel.exporting import Export
from servemodel.command_line import with_fixed_hashes
from servemodel.errors import ExportError
from regression import complete_rows, run
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

COLUMNS = ["service", "zone", "weight_kg", "length_cm", "width_cm", "height_cm", "distance_km", "pieces", "insured"]
TEXTS = ["service", "zone"]
TARGET = "cost"
ROWS = 3000
TREES = 150

SERVICES = {"economy": 0.85, "standard": 1.0, "express": 1.75}
ZONES = {"city": 0.0, "country": 3.5, "island": 14.0, "abroad": 22.0}


def synthetic(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """[N, 10] made-up frame: parcels, and what their dispatch cost in euros."""
    random = np.random.default_rng(seed)
    zone = random.choice(list(ZONES), rows, p=[0.35, 0.4, 0.1, 0.15])
    farthest = pd.Series(zone).map({"city": 40, "country": 900, "island": 1500, "abroad": 4000}).to_numpy()
    frame = pd.DataFrame(
        {
            "service": random.choice(list(SERVICES), rows, p=[0.3, 0.5, 0.2]),
            "zone": zone,
            "weight_kg": np.round(np.clip(random.lognormal(1.2, 0.9, rows), 0.1, 60), 1),
            "length_cm": np.round(random.uniform(15, 120, rows)).astype(int),
            "width_cm": np.round(random.uniform(10, 80, rows)).astype(int),
            "height_cm": np.round(random.uniform(2, 60, rows)).astype(int),
            "distance_km": np.round(random.beta(1.4, 2.2, rows) * farthest + 1).astype(int),
            "pieces": 1 + random.poisson(0.4, rows),
            "insured": random.random(rows) < 0.2,
        }
    )
    volume_kg = frame["length_cm"] * frame["width_cm"] * frame["height_cm"] / 5000
    billed = np.maximum(frame["weight_kg"], volume_kg)
    tariff = 4.2 + 0.55 * billed + 0.004 * frame["distance_km"] + 0.0004 * billed * frame["distance_km"]
    cost = tariff * frame["service"].map(SERVICES) + frame["zone"].map(ZONES)
    cost = cost * (1 + 0.6 * (frame["pieces"] - 1)) + 2.5 * frame["insured"]
    # Fuel and the day change the cost by some four per cent.
    return frame.assign(cost=np.round(cost * random.lognormal(0, 0.04, rows), 2))


def read(path: Path) -> pd.DataFrame:
    """[N, 10] frame of a CSV with a header that has the same columns.

    Raises ExportError when it hasn't.
    """
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise ExportError(f"there is no file {path}") from None
    except ValueError as error:
        raise ExportError(f"{path} is not CSV: {' '.join(str(error).split())}") from None
    return complete_rows(frame, [*COLUMNS, TARGET], path, TEXTS)


def fit(training: pd.DataFrame) -> Pipeline:
    numbers = [name for name in COLUMNS if name not in TEXTS]
    columns = ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore"), TEXTS), ("numbers", "passthrough", numbers)]
    )
    trees = GradientBoostingRegressor(n_estimators=TREES, max_depth=5, learning_rate=0.1, subsample=0.8, random_state=0)
    return Pipeline([("columns", columns), ("trees", trees)]).fit(training[COLUMNS], training[TARGET])


SYNTHETIC = f"""**Made up.** {ROWS:,} parcels from the function `synthetic` in `scripts/models/train/cost.py`, with a fixed seed. The cost follows a
tariff that we invented: the larger of weight and volume / 5000, the distance, the service, the zone, the number of
pieces and insurance, then noise of 4 %. It is no real price list. Licence: Apache-2.0, like the rest."""


def card(export: Export, data: str, rows: int) -> str:
    metrics = export.metrics
    return f"""# Model card: cost, version 1

What the dispatch of a parcel costs, in euros: service, zone, weight, size, distance, pieces, insurance.

## Use

An example of a regression with texts, numbers and a boolean. `POST /predict` with one JSON object →
`{{"cost": 103.35}}`, in two decimals.

`POST /explain` answers what each column contributed to a prediction
([explanations](../../../docs/explanations.md)): how the model came to it, not why the world is so.

## Data

{data}

| column | what |
| --- | --- |
| `service` | `economy`, `standard` or `express` |
| `zone` | `city`, `country`, `island` or `abroad` |
| `weight_kg` | weight of the consignment |
| `length_cm`, `width_cm`, `height_cm` | of the largest piece, whole numbers |
| `distance_km` | whole kilometres |
| `pieces` | parcels in the consignment |
| `insured` | `true` or `false` |

## Training

One-hot columns for the two texts, then `GradientBoostingRegressor(n_estimators={TREES}, max_depth=5, learning_rate=0.1,
subsample=0.8, random_state=0)` on {rows:,} rows.

```sh
.venv/bin/python scripts/models/train/cost.py
```

## Quality on {metrics["split"]}

| figure | value |
| --- | --- |
| R² | {metrics["r2"]:.4f} |
| mean absolute error | {metrics["mean_absolute_error"]:.2f} euros |
| rows | {metrics["rows"]} |

ONNX Runtime gives scikit-learn's values on all {export.agreement.rows:,} rows and on {export.edges.rows} generated ones, within {max(export.agreement.largest, export.edges.largest):.1e} of their size.

## Limits

- An unknown service or zone is answered as none of the known ones, with a warning.
- Missing values are refused.
- Outside the range of the training data (`range` in `model.json`) the trees answer as at the nearest edge.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    return run(
        "cost",
        arguments,
        about="Train a cost regression for parcels",
        data="CSV with the same columns, and cost",
        synthetic=synthetic,
        read=read,
        made_up=SYNTHETIC,
        fit=fit,
        columns=COLUMNS,
        target=TARGET,
        measures=["r2", "mean_absolute_error"],
        card=card,
        describe=lambda own: "What does it cost to send a parcel, in euros?"
        + ("" if own else " Trained on made-up parcels."),
        answer={"key": "cost", "decimals": 2},
    )


if __name__ == "__main__":
    with_fixed_hashes()
    sys.exit(main())
