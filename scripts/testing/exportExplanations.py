#!/usr/bin/env python3
"""Write the models on which explanations are compared with shap: server/loading/fixtures/explained/<name>/1.

Each is a small model, fitted on made-up rows and exported by servemodel.export. Its contributions.json has rows, and
for each of them shap's contributions by column: [rows, outputs, columns], of the last class alone where there are two:
of trees by TreeExplainer, of linear models by LinearExplainer, and of others by ExactExplainer, on the rows of the
exported background.json.

    scripts/testing/exportExplanations.py && npx prettier --write server/loading/fixtures/explained

Shapes in this file: N rows, F features of the trees, C columns, K outputs. Needs scripts/testing/explanations-requirements.txt.
"""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python" / "src"))

import numpy as np
import pandas as pd
import shap
from catboost import CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from servemodel.command_line import with_fixed_hashes
from servemodel.exporting import export_model
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge, SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier

FOLDER = ROOT / "server" / "loading" / "fixtures" / "explained"
NUMBERS, TEXTS = list("abcde"), ["p", "q", "r"]
ROWS, EXPLAINED, SAMPLED = 600, 24, 8


def table(columns: int, missing: bool, texts: bool, seed: int, positive: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """[N, C] made-up rows, whose numbers are halves: float32 holds them; and a score [N]."""
    random = np.random.default_rng(seed)
    names = [f"x{at}" for at in range(columns)] if columns > 5 else NUMBERS[:columns]
    frame = pd.DataFrame(np.round(random.normal(size=(ROWS, columns)) * 6) / 2, columns=names)
    score = frame.iloc[:, 0] * 0.3 + frame.iloc[:, 1] * frame.iloc[:, 2] * 0.1 + random.normal(size=ROWS) * 0.3
    if columns > 5:
        score += frame.to_numpy() @ random.normal(size=columns) * 0.1
    if texts:
        frame["t"] = random.choice(TEXTS, ROWS)
        score += frame["t"].map({"p": -0.5, "q": 0.0, "r": 0.8})
    if missing:
        frame = frame.mask(random.random(frame.shape) < 0.1)
    return frame, np.exp(score.to_numpy() / 4).round(3) if positive else score.to_numpy()


def with_texts(model: Any) -> Pipeline:
    return Pipeline([("encode", ColumnTransformer([("t", OneHotEncoder(handle_unknown="ignore"), ["t"])], remainder="passthrough")), ("model", model)])


def folded(values: np.ndarray, names: list[str], columns: list[str]) -> np.ndarray:
    """[N, F, K] → [N, K, C]: features summed up to the columns that their names begin with."""
    sums = np.zeros((len(values), values.shape[2], len(columns)))
    for at, name in enumerate(names):
        sums[:, :, columns.index(name.split("__")[-1].split("_")[0])] += values[:, at, :]
    return sums


def coded(frame: pd.DataFrame) -> np.ndarray:
    return frame.assign(t=frame["t"].map(TEXTS.index)).to_numpy(float) if "t" in frame else frame.to_numpy(float)


def is_linear(inner: Any) -> bool:
    return hasattr(inner, "coef_") and not hasattr(inner, "coefs_")


def sampled(model: Any, rows: pd.DataFrame, background: pd.DataFrame) -> np.ndarray:
    """shap's contributions to a model of which it knows the answers alone, [N, K, C]: of all sets of columns."""
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    columns = list(rows)
    # shap's masker compares numbers: texts are their places in TEXTS.
    masker = shap.maskers.Independent(coded(background), max_samples=1000)

    def answer(matrix: np.ndarray) -> np.ndarray:
        frame = pd.DataFrame(matrix, columns=columns)
        if "t" in frame:
            frame["t"] = frame["t"].map(lambda code: TEXTS[int(code)])
        return np.asarray(ask(frame))

    values = shap.explainers.ExactExplainer(answer, masker)(coded(rows)).values
    values = values[:, :, None] if values.ndim == 2 else values
    return np.moveaxis(values[:, :, -1:] if values.shape[2] == 2 else values, 1, 2)


def contributions(model: Any, rows: pd.DataFrame, background: pd.DataFrame) -> np.ndarray:
    """shap's, [N, K, C]; of two classes those of the second."""
    columns = list(rows)
    if not is_linear(model.steps[-1][1] if isinstance(model, Pipeline) else model) and not has_trees(model):
        return sampled(model, rows, background)
    inner, matrix, names = model, rows.to_numpy(), columns
    if isinstance(model, Pipeline):
        inner, matrix = model.steps[-1][1], model[:-1].transform(rows)
        matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        names = list(model[:-1].get_feature_names_out())
    if is_linear(inner):
        compared = background.to_numpy() if inner is model else model[:-1].transform(background)
        compared = compared.toarray() if hasattr(compared, "toarray") else compared
        explainer = shap.LinearExplainer(inner, shap.maskers.Independent(np.asarray(compared, dtype="float64"), max_samples=1000))
        values = np.asarray(explainer.shap_values(np.asarray(matrix, dtype="float64")))
        values = values[:, :, None] if values.ndim == 2 else values
        return folded(values, names, columns)
    values = np.asarray(shap.TreeExplainer(inner, feature_perturbation="tree_path_dependent").shap_values(np.asarray(matrix, dtype="float64")))
    values = values[:, :, None] if values.ndim == 2 else values
    return folded(values[:, :, -1:] if values.shape[2] == 2 else values, names, columns)


def has_trees(model: Any) -> bool:
    return type(model.steps[-1][1] if isinstance(model, Pipeline) else model).__name__.startswith(
        ("LGBM", "XGB", "CatBoost", "RandomForest", "ExtraTrees", "DecisionTree", "GradientBoosting", "HistGradient")
    )


def scaled(model: Any) -> Pipeline:
    steps = [("t", OneHotEncoder(handle_unknown="ignore"), ["t"]), ("n", StandardScaler(), make_column_selector(dtype_include="number"))]
    return Pipeline([("encode", ColumnTransformer(steps)), ("model", model)])


def cases() -> dict[str, tuple[Any, int, dict[str, Any]]]:
    """Models, the number of their classes (0: a value), and what their rows are like."""
    few, texts, missing = {"columns": 5, "missing": False, "texts": False}, {"texts": True}, {"missing": True}
    quiet = {"verbose": 0, "allow_writing_files": False}
    return {
        "forest": (with_texts(RandomForestClassifier(n_estimators=4, max_leaf_nodes=60, random_state=0)), 3, few | texts),
        "forest-of-two": (RandomForestClassifier(n_estimators=4, max_leaf_nodes=60, random_state=0), 2, few),
        "extra-trees": (with_texts(ExtraTreesRegressor(n_estimators=3, max_leaf_nodes=80, random_state=0)), 0, few | texts),
        "gradient-boosting": (with_texts(GradientBoostingRegressor(n_estimators=12, max_depth=4, random_state=0)), 0, few | texts),
        "histogram": (HistGradientBoostingClassifier(max_iter=10, random_state=0), 2, few | missing),
        "lightgbm": (LGBMClassifier(n_estimators=6, num_leaves=16, verbose=-1), 3, few | missing),
        "lightgbm-regression": (LGBMRegressor(n_estimators=10, num_leaves=16, verbose=-1), 0, few | missing),
        "xgboost": (XGBClassifier(n_estimators=10, max_depth=5), 2, few | missing),
        "catboost": (CatBoostRegressor(n_estimators=10, depth=5, **quiet), 0, few),
        # Its paths test up to 24 different features.
        "deep": (DecisionTreeRegressor(max_depth=24, splitter="random", random_state=0), 0, few | {"columns": 40}),
        "linear": (scaled(LinearRegression()), 0, few | texts),
        "ridge": (Ridge(alpha=2.0), 0, few),
        "poisson": (scaled(PoissonRegressor(alpha=0.1)), 0, few | texts | {"positive": True}),
        "logistic": (scaled(LogisticRegression()), 2, few | texts),
        "logistic-of-three": (scaled(LogisticRegression()), 3, few | texts),
        "one-against-rest": (scaled(SGDClassifier(loss="log_loss", random_state=0)), 3, few | texts),
        "network": (scaled(MLPClassifier((8,), max_iter=60, random_state=0)), 3, few | texts),
        "support-vectors": (scaled(SVR()), 0, few | texts),
        "adaboost": (with_texts(AdaBoostClassifier(n_estimators=6, random_state=0)), 2, few | texts),
        # More columns than all of whose coalitions are evaluated.
        "network-of-many": (Pipeline([("scale", StandardScaler()), ("model", MLPRegressor(hidden_layer_sizes=(6,), max_iter=80, random_state=0))]), 0, few | {"columns": 14}),
    }


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    for seed, (name, (model, classes, like)) in enumerate(cases().items()):
        frame, score = table(**like, seed=seed)
        target = score if classes == 0 else pd.qcut(score, classes, labels=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(frame, target)
            export_model(model, frame, FOLDER / name / "1")
            rows = table(**like, seed=seed + 100)[0].head(EXPLAINED)
            compared = json.loads((FOLDER / name / "1" / "background.json").read_text())
            background = pd.DataFrame(compared["data"], columns=compared["columns"]).astype(frame.dtypes)
            if not has_trees(model) and not is_linear(model.steps[-1][1] if isinstance(model, Pipeline) else model):
                rows = rows.head(SAMPLED)
            values = contributions(model, rows, background)
        (FOLDER / name / "1" / "CARD.md").unlink()
        data = [[None if pd.isna(cell) else cell for cell in row] for row in rows.to_numpy(dtype=object).tolist()]
        listed = [[[float(f"{value:.10g}") for value in output] for output in row] for row in values.tolist()]
        document = {"columns": list(frame), "data": data, "contributions": listed}
        (FOLDER / name / "contributions.json").write_text(json.dumps(document))
        print(name, values.shape)


if __name__ == "__main__":
    with_fixed_hashes()
    main()
