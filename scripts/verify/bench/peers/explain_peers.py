"""Measures the explainers that the bench compares explanations with, in one thread.

Fits adult/1 and adult/2 as they are shipped, and explains rows of the test split: by shap.TreeExplainer (path-dependent),
and by LightGBM's own pred_contrib. Prints JSON: seconds of CPU a row, one number for each round.

Usage: explain_peers.py ROUNDS
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable

TRAIN = Path(__file__).resolve().parents[3] / "models" / "train"
sys.path[:0] = [str(TRAIN), str(TRAIN.parents[2] / "python" / "src")]

import adult
import adult2
import numpy as np
import shap
from threadpoolctl import threadpool_limits

SHAP_ROWS, LIGHTGBM_ROWS = 20, 2000


def matrix_of(pipeline: Any, frame: Any) -> np.ndarray:
    """[rows, features], as the last step of the pipeline takes them."""
    matrix = pipeline[:-1].transform(frame)
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)


def seconds(explain: Callable[[], Any], rows: int) -> float:
    start = time.process_time()
    explain()
    return (time.process_time() - start) / rows


def main(rounds: int) -> None:
    progress = adult.Progress()
    training, test, _ = adult.load(adult.DEFAULT_DATA, progress)
    rows = test[adult.COLUMNS]
    forest, boosted = adult.fit(training), adult2.fit(training)
    few, many = matrix_of(forest, rows.head(SHAP_ROWS)), matrix_of(boosted, rows.head(LIGHTGBM_ROWS))
    explainer = shap.TreeExplainer(forest[-1], feature_perturbation="tree_path_dependent")
    found: dict[str, list[float]] = {"shap": [], "predContrib": []}
    with threadpool_limits(1):
        for _ in range(rounds):
            found["shap"].append(seconds(lambda: explainer.shap_values(few), len(few)))
            own = lambda: boosted[-1].predict(many, pred_contrib=True, num_threads=1)
            found["predContrib"].append(seconds(own, len(many)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
