#!/usr/bin/env python3
"""Train iris/1: a random forest on Fisher's iris measurements, which come with scikit-learn."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python" / "src"))

import pandas as pd
from servemodel.exporting import Export, export_model, summary
from servemodel.command_line import HelpFormatter, Progress, exit_code, with_fixed_hashes
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

DEFAULT_OUTPUT = Path(__file__).resolve().parents[3] / "models" / "iris" / "1"
COLUMNS = ["s_length", "s_width", "p_length", "p_width"]
TREES = 100
TEST_SHARE = 1 / 3


def read() -> pd.DataFrame:
    """[150, 5] frame: four measurements in cm, and the species."""
    data = load_iris()
    frame = pd.DataFrame(data.data, columns=COLUMNS)
    return frame.assign(species=data.target_names[data.target])


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows, with the same share of each species."""
    training, test = train_test_split(frame, test_size=TEST_SHARE, stratify=frame["species"], random_state=0)
    return training, test


def fit(training: pd.DataFrame) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=TREES, random_state=0).fit(training[COLUMNS], training["species"])


def card(export: Export) -> str:
    return f"""# Model card: iris, version 1

A random forest that classifies three species of iris by the length and width of sepal and petal, in cm.

## Use

The best known small example. It shows a model with a few numbers and three classes; it is of no use to a gardener.

`POST /explain` answers what each column contributed to a prediction
([explanations](../../../docs/explanations.md)): how the model came to it, not why the world is so.

## Data

Fisher, R. A. (1936), *Iris*, UCI Machine Learning Repository, <https://doi.org/10.24432/C56C76>, CC BY 4.0. 150 flowers,
50 of each species. scikit-learn brings the file (its licence: BSD-3-Clause), which is read from there and not copied
here. The columns are renamed: `s_length`, `s_width` (sepal), `p_length`, `p_width` (petal).

## Training

`RandomForestClassifier(n_estimators={TREES}, random_state=0)` on 100 flowers; 50, drawn alike from each species with a fixed
seed, were kept for the figures below. Nothing was tuned.

```sh
.venv/bin/python scripts/models/train/iris.py
```

## Quality on 50 flowers

| figure | value |
| --- | --- |
| accuracy | {export.metrics["accuracy"]:.2f} |

One flower is two points. ONNX Runtime gives scikit-learn's species on all {export.agreement.rows} flowers and on {export.edges.rows} generated rows, and
its probabilities within {max(export.agreement.largest, export.edges.largest):.1e}.

## Limits

- A forest answers far outside of the range as at its edge, and knows no "none of these".
- Missing measurements are refused.
- Probabilities are shares of votes.
"""


def work(options: argparse.Namespace) -> None:
    progress = Progress()
    training, test = split(read())
    progress.step(f"Fitting {TREES} trees on {len(training)} rows")
    forest = fit(training)
    metrics: dict[str, float | int | str] = {
        "accuracy": float(accuracy_score(test["species"], forest.predict(test[COLUMNS]))),
        "rows": len(test),
        "split": "a third of the flowers, stratified, seed 0",
    }
    progress.step("Exporting, and comparing on every row")
    export = export_model(
        forest,
        training,
        options.output,
        also=test,
        target="species",
        description="Which species of iris is it, by the size of sepal and petal? Random forest on Fisher's data.",
        metrics=metrics,
        card=card,
    )
    summary(export)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="iris.py",
        formatter_class=HelpFormatter,
        description="Train a random forest on Fisher's iris data and write its version folder.",
    )
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, metavar="DIR", help="version folder to write")
    options = parser.parse_args(arguments)
    return exit_code("iris.py", lambda: work(options))


if __name__ == "__main__":
    with_fixed_hashes()
    sys.exit(main())
