#!/usr/bin/env python3
"""Train housing/1: the value of homes from the 13 columns of the Boston data, made up by default.

No library ships the Boston file any more. By default the rows are made up here, with a fixed seed: plausible ranges and
relations, but not of a real place. To train on the real CSV, give it with --data.
"""

from __future__ import annotations

import io
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
from sklearn.ensemble import GradientBoostingRegressor

COLUMNS = ["CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT"]
WHOLE = ["CHAS", "RAD", "TAX"]
TARGET = "MEDV"
ROWS = 2000
TREES = 200


def synthetic(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """[N, 14] made-up frame. One hidden number, how urban a tract is, ties the columns together."""
    random = np.random.default_rng(seed)
    urban = random.beta(1.3, 1.8, rows)
    poor = np.clip(0.5 * urban + random.normal(0.15, 0.18, rows), 0, 1)
    near_river = random.random(rows) < 0.07
    frame = pd.DataFrame(
        {
            "CRIM": np.round(np.exp(-4.5 + 6.5 * urban + 1.5 * poor + random.normal(0, 0.7, rows)), 5),
            "ZN": np.round(np.where(random.random(rows) < 0.75 * (1 - urban) ** 2, random.uniform(12, 95, rows), 0), 1),
            "INDUS": np.round(np.clip(1 + 20 * urban + random.normal(0, 2.5, rows), 0.5, 28), 2),
            "CHAS": near_river.astype(int),
            "NOX": np.round(np.clip(0.39 + 0.38 * urban + random.normal(0, 0.03, rows), 0.38, 0.88), 4),
            "RM": np.round(np.clip(6.9 - 1.4 * poor + random.normal(0, 0.5, rows), 3.5, 8.8), 3),
            "AGE": np.round(np.clip(25 + 75 * urban + random.normal(0, 16, rows), 2.9, 100), 1),
            "DIS": np.round(np.clip(9 - 8.2 * urban**0.7 + random.normal(0, 0.7, rows), 1.1, 12.2), 4),
            "RAD": np.where(urban > 0.68, 24, random.integers(1, 9, rows)),
            "TAX": np.round(np.where(urban > 0.68, 666, 230 + 200 * urban + random.normal(0, 35, rows))).astype(int),
            "PTRATIO": np.round(np.clip(16.5 + 4 * poor + random.normal(0, 1.3, rows), 12.6, 22), 1),
            "B": np.round(np.clip(396.9 - random.exponential(12 + 60 * urban * poor), 0.3, 396.9), 2),
            "LSTAT": np.round(np.clip(2 + 30 * poor + random.normal(0, 2, rows), 1.7, 38), 2),
        }
    )
    value = (
        12
        + 5.5 * np.maximum(frame["RM"] - 5.3, 0) ** 1.35
        - 6.2 * np.log(frame["LSTAT"] / 10)
        - 9 * (frame["NOX"] - 0.5)
        - 0.55 * (frame["PTRATIO"] - 18)
        - 0.35 * np.log1p(frame["CRIM"])
        + 2.4 * frame["CHAS"]
        + 0.25 * np.minimum(frame["DIS"], 6)
        - 0.004 * (frame["TAX"] - 400)
        + random.normal(0, 1.8, rows)
    )
    # The original is cut at 50, too.
    return frame.assign(MEDV=np.round(np.clip(value, 5, 50), 1))


def read(path: Path) -> pd.DataFrame:
    """[N, 14] frame of the real data: a CSV with a header, in any letter case and order; or without one.

    Raises ExportError when a column is missing or holds something that is no number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ExportError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise ExportError(f"{path} is not UTF-8 text") from None
    # The file of the StatLib archive has spaces instead of commas, and no header.
    separator = "," if "," in text.split("\n", 1)[0] else r"\s+"
    has_names = any(character.isalpha() for character in text.split("\n", 1)[0].replace("e", "").replace("E", ""))
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, header=0 if has_names else None)
    except ValueError as error:
        raise ExportError(f"{path} is not CSV: {' '.join(str(error).split())}") from None
    names = [*COLUMNS, TARGET]
    if not has_names and len(frame.columns) != len(names):
        raise ExportError(f"{path} has {len(frame.columns)} columns and no header; without one there must be 14")
    frame.columns = [str(name).strip().upper() for name in frame.columns] if has_names else names
    return complete_rows(frame, names, path)


def fit(training: pd.DataFrame) -> GradientBoostingRegressor:
    trees = GradientBoostingRegressor(
        n_estimators=TREES, max_depth=4, learning_rate=0.08, subsample=0.8, random_state=0
    )
    return trees.fit(training[COLUMNS], training[TARGET])


SYNTHETIC = f"""**Made up.** The Boston housing data are no longer shipped by any library, because of how one column (`B`) was made and
used. These {ROWS:,} rows have its columns and plausible ranges, and come from the function `synthetic` in
`scripts/models/train/housing.py` with a fixed seed: how urban a tract is decides most columns, and the value follows from rooms,
`LSTAT`, `NOX`, `PTRATIO`, crime, river, distance and tax, with noise of ±1.8. `B` has no influence on it. They describe no
place and no people. Licence: Apache-2.0, like the rest.

To train on the real file, give it with `--data housing.csv`."""


def card(export: Export, data: str, rows: int) -> str:
    metrics = export.metrics
    return f"""# Model card: housing, version 1

Gradient-boosted trees that give a tract's median home value in thousands of dollars, from the 13 columns of the Boston
data.

## Use

An example of a regression: `POST /predict` with an array of records → `{{"prediction": […]}}`. It is not fit for
valuing a house.

`POST /explain` answers what each column contributed to a prediction
([explanations](../../../docs/explanations.md)): how the model came to it, not why the world is so.

## Data

{data}

## Training

`GradientBoostingRegressor(n_estimators={TREES}, max_depth=4, learning_rate=0.08, subsample=0.8, random_state=0)` on {rows:,} rows.

```sh
.venv/bin/python scripts/models/train/housing.py
```

## Quality on {metrics["split"]}

| figure | value |
| --- | --- |
| R² | {metrics["r2"]:.4f} |
| mean absolute error | {metrics["mean_absolute_error"]:.3f} |
| root mean squared error | {metrics["root_mean_squared_error"]:.3f} |
| rows | {metrics["rows"]} |

ONNX Runtime gives scikit-learn's values on all {export.agreement.rows:,} rows and on {export.edges.rows} generated ones, within {max(export.agreement.largest, export.edges.largest):.1e} of their size.

## Limits

- Outside the range of the training data (`range` in `model.json`) the trees answer as at the nearest edge.
- Missing values are refused.
- Figures on made-up data say that the code works, and nothing about real homes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    return run(
        "housing",
        arguments,
        about="Train a home value regression on the Boston columns",
        data="the real CSV, with the target column MEDV",
        synthetic=synthetic,
        read=read,
        made_up=SYNTHETIC,
        fit=fit,
        columns=COLUMNS,
        target=TARGET,
        measures=["r2", "mean_absolute_error", "root_mean_squared_error"],
        card=card,
        describe=lambda own: "Median home value in thousands of dollars, from the columns of the Boston housing data"
        + ("." if own else " (trained on made-up rows)."),
        # CSV files often write them as floats.
        integers=lambda training: [name for name in WHOLE if (training[name] % 1 == 0).all()],
        answer={"key": "prediction"},
    )


if __name__ == "__main__":
    with_fixed_hashes()
    sys.exit(main())
