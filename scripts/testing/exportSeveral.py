#!/usr/bin/env python3
"""Export models that answer with several values a row, outliers, clusters, vectors, ranks or a label alone, each with rows that it hasn't seen and the library's answers.

    scripts/testing/exportSeveral.py REPOSITORY

Writes REPOSITORY/<name>/1/ and, beside it, REPOSITORY/<name>/held.json: the task, rows as clients send them, predictions and what
stands beside them. Needs scripts/models/requirements.txt.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRanker, LGBMRegressor
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC, OneClassSVM
from xgboost import XGBRanker

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import servemodel

ROWS, HELD = 400, 250
random = np.random.default_rng(15)
ALL = pd.DataFrame(random.normal(size=(ROWS + HELD, 3)), columns=["a", "b", "c"]).assign(
    city=random.choice(["Kiel", "Ulm", "Jena"], ROWS + HELD).astype(object)
)
FRAME, OTHERS = ALL.iloc[:ROWS], ALL.iloc[ROWS:].reset_index(drop=True)
NUMBERS = ["a", "b", "c"]
VALUE = FRAME["a"] + 0.5 * FRAME["b"] + (FRAME["city"] == "Ulm") + random.normal(0, 0.1, ROWS)
VALUES = pd.DataFrame({"price": VALUE, "days": VALUE**2})
LABELS = pd.DataFrame({"late": np.where(VALUE > 0, "yes", "no"), "kind": np.where(FRAME["b"] > 0, "big", "small")})
BITS = pd.DataFrame({"late": (VALUE > 0).astype(int), "high": (VALUE > 1).astype(int)})
RANKS = np.digitize(VALUE, [0, 1])
GROUP = 10


def encoded(*steps: Any) -> Any:
    columns = ColumnTransformer(
        [("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]), ("n", StandardScaler(), NUMBERS)]
    )
    return make_pipeline(columns, *steps)


MODELS: dict[str, tuple[str, Any, Any]] = {
    "values": ("multioutput-regression", encoded(RandomForestRegressor(9, random_state=0)), VALUES),
    "values-side-by-side": ("multioutput-regression", encoded(MultiOutputRegressor(LGBMRegressor(n_estimators=9, verbose=-1))), VALUES),
    "labels": ("multilabel-classification", encoded(RandomForestClassifier(9, random_state=0)), LABELS),
    "bits": ("multilabel-classification", encoded(RandomForestClassifier(9, random_state=0)), BITS),
    "chain": ("multilabel-classification", encoded(ClassifierChain(LogisticRegression())), BITS),
    "outliers": ("outlier-detection", encoded(IsolationForest(n_estimators=20, random_state=0)), None),
    "one-class": ("outlier-detection", encoded(OneClassSVM(nu=0.1)), None),
    "clusters": ("clustering", encoded(KMeans(4, random_state=0)), None),
    "bisections": ("clustering", encoded(BisectingKMeans(7, random_state=0)), None),
    "vector": ("transformation", encoded(PCA(3)), None),
    "mixture": ("classification", make_pipeline(encoded(), GaussianMixture(3, random_state=0, reg_covar=0.01)), None),
    "label-alone": ("classification", encoded(LinearSVC()), RANKS.astype(float)),
    "ranks": ("ranking", LGBMRanker(n_estimators=9, verbose=-1), RANKS),
    "ranks-xgboost": ("ranking", XGBRanker(n_estimators=9), RANKS),
}  # fmt: skip


def fitted(name: str, model: Any, target: Any) -> tuple[Any, list[str]]:
    """The model, and the columns that it takes."""
    if name == "ranks":
        return model.fit(FRAME[NUMBERS], target, group=[GROUP] * (ROWS // GROUP)), NUMBERS
    if name == "ranks-xgboost":
        return model.fit(FRAME[NUMBERS], target, qid=np.arange(ROWS) // GROUP), NUMBERS
    return (model.fit(FRAME) if target is None else model.fit(FRAME, target)), list(FRAME.columns)


def answers(model: Any, task: str, rows: pd.DataFrame) -> dict[str, Any]:
    if task == "transformation":
        return {"predictions": model.transform(rows).tolist()}
    found: dict[str, Any] = {"predictions": model.predict(rows).tolist()}
    if task == "outlier-detection":
        found["score"] = model.decision_function(rows).tolist()
    elif task == "clustering":
        found["distances"] = model.transform(rows).tolist()
    elif hasattr(model, "predict_proba"):
        table = model.predict_proba(rows)
        if not isinstance(table, list):
            found["probabilities"] = table.tolist()
        elif all(one.shape[1] == 2 for one in table):
            found["probabilities"] = np.stack([one[:, 1] for one in table], axis=1).tolist()
    return found


def main(repository: Path) -> None:
    warnings.simplefilter("ignore")
    for name, (task, made, target) in MODELS.items():
        model, columns = fitted(name, made, target)
        named = target if isinstance(target, pd.DataFrame) else pd.DataFrame()
        servemodel.export(model, pd.concat([FRAME[columns], named], axis=1), repository / name / "1", target=list(named.columns) or None)
        rows = OTHERS[columns]
        members = {"task": task, "rows": {"columns": columns, "data": rows.to_numpy(object).tolist()}, **answers(model, task, rows)}
        (repository / name / "held.json").write_text(json.dumps(members), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
