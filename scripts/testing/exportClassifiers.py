#!/usr/bin/env python3
"""Write the small classifiers whose classes are read from the ONNX file alone: server/loading/fixtures/*.onnx and *.json.

Their graphs name the classes in a constant behind the model, where an estimator within may number them. The .json is a
golden.json: some rows with scikit-learn's own answers.

    scripts/testing/exportClassifiers.py && npx prettier --write server/loading/fixtures

Needs scripts/testing/pipelines-requirements.txt.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

# The exporters walk through sets: without a fixed hash of strings the files would differ from run to run.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path(__file__).resolve().parents[2] / "server" / "loading" / "fixtures"
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}
MODELS: dict[str, Any] = {
    "gaussian": lambda: GaussianNB(),
    "neighbors": lambda: KNeighborsClassifier(3),
    "perceptron": lambda: MLPClassifier((4,), max_iter=100, random_state=0),
    "bagging": lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3, random_state=0),
    "quadratic": lambda: QuadraticDiscriminantAnalysis(),
}
# Not in the order of their names, and no 0, 1, 2.
CLASSES = {"texts": np.array(["virginica", "setosa", "versicolor"]), "integers": np.array([7, -1, 3])}


def main() -> None:
    warnings.filterwarnings("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    asked = X[2::10]
    for name, make in MODELS.items():
        for kind, classes in CLASSES.items():
            # Few rows, since neighbors holds them all.
            model = make().fit(X[::3], classes[y[::3]])
            graph = convert_sklearn(
                model,
                name=name,
                initial_types=[("X", FloatTensorType([None, X.shape[1]]))],
                target_opset=TARGET_OPSET,
                options={id(model): {"zipmap": False}},
            )
            golden = {
                "columns": [f"X_{at}" for at in range(X.shape[1])],
                "data": asked.astype(float).tolist(),
                "predictions": model.predict(asked).tolist(),
                "probabilities": model.predict_proba(asked).tolist(),
            }
            (FOLDER / f"{name}-{kind}.onnx").write_bytes(graph.SerializeToString())
            (FOLDER / f"{name}-{kind}.json").write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
