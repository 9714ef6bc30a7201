"""XGBoost's trees of several targets or classes: each tree counts for its own, which onnxmltools' converter gets wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

xgboost = pytest.importorskip("xgboost", reason="XGBoost is not installed")
pytest.importorskip("onnxmltools", reason="onnxmltools is not installed")

from servemodel import convert as conversion
from servemodel.answers import form_of
from servemodel.errors import ExportError
from servemodel.graphs import Runner
from servemodel.native import native_categories
from servemodel.signature import describe_columns
from servemodel.tasks import task_of

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(RANDOM.normal(size=(500, 4)), columns=list("abcd"))
TARGETS = np.c_[FRAME["a"] * 2, FRAME["b"] - FRAME["c"], FRAME["d"] + 30] + RANDOM.normal(size=(500, 3))
LABELS = (TARGETS > TARGETS.mean(axis=0)).astype(int)
CLASSES = pd.cut(FRAME["a"] + RANDOM.normal(size=500), [-9, -0.5, 0.5, 9], labels=False).to_numpy()
FITTED, HELD_OUT = slice(0, 250), slice(250, 500)
SMALL: dict[str, Any] = {"n_estimators": 12, "max_depth": 4, "random_state": 0}
PARALLEL: dict[str, Any] = {"num_parallel_tree": 3, "subsample": 0.5}
STOPPED: dict[str, Any] = {**SMALL, "n_estimators": 60, "learning_rate": 0.4, "early_stopping_rounds": 5}


def fitted(model: Any, target: Any) -> Any:
    options = {"eval_set": [(FRAME[HELD_OUT], target[HELD_OUT])], "verbose": False} if model.early_stopping_rounds else {}
    return model.fit(FRAME[FITTED], target[FITTED], **options)


MODELS: dict[str, Any] = {
    "targets": lambda: fitted(xgboost.XGBRegressor(**SMALL), TARGETS),
    "targets, parallel": lambda: fitted(xgboost.XGBRegressor(**SMALL, **PARALLEL), TARGETS),
    "targets, stopped": lambda: fitted(xgboost.XGBRegressor(**STOPPED), TARGETS),
    "targets, parallel, stopped": lambda: fitted(xgboost.XGBRegressor(**STOPPED, **PARALLEL), TARGETS),
    "targets, dart": lambda: fitted(xgboost.XGBRegressor(**SMALL, booster="dart", rate_drop=0.5), TARGETS),
    "targets, forest": lambda: fitted(xgboost.XGBRFRegressor(**SMALL), TARGETS),
    "quantiles": lambda: fitted(xgboost.XGBRegressor(**SMALL, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), TARGETS[:, 0]),
    "one target, parallel, stopped": lambda: fitted(xgboost.XGBRegressor(**STOPPED, **PARALLEL), TARGETS[:, 0]),
    "labels": lambda: fitted(xgboost.XGBClassifier(**SMALL), LABELS),
    "labels, parallel, stopped": lambda: fitted(xgboost.XGBClassifier(**STOPPED, **PARALLEL), LABELS),
    "classes": lambda: fitted(xgboost.XGBClassifier(**SMALL), CLASSES),
    "classes, parallel": lambda: fitted(xgboost.XGBClassifier(**SMALL, **PARALLEL), CLASSES),
    "classes, stopped": lambda: fitted(xgboost.XGBClassifier(**STOPPED), CLASSES),
    "classes, parallel, stopped": lambda: fitted(xgboost.XGBClassifier(**STOPPED, **PARALLEL), CLASSES),
    "classes, forest": lambda: fitted(xgboost.XGBRFClassifier(**SMALL), CLASSES),
    "two classes, parallel, stopped": lambda: fitted(xgboost.XGBClassifier(**STOPPED, **PARALLEL), CLASSES > 0),
}


def converted(model: Any) -> Any:
    columns = describe_columns(model, FRAME, [], native_categories(model, FRAME, True))
    return conversion.convert(model, columns, FRAME, "m", form_of(model, FRAME, task_of(model)))


@pytest.mark.parametrize("name", MODELS)
def test_a_tree_counts_for_its_own_target_or_class(name: str) -> None:
    model, rows = MODELS[name](), FRAME[HELD_OUT]
    graph = converted(model)
    feeds = {one.name: rows[[column]].to_numpy("float32") for one, column in zip(graph.proto.graph.input, rows, strict=True)}
    found = Runner(graph).run([output.name for output in graph.proto.graph.output], feeds)[-1]
    wanted = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows).reshape(len(rows), -1)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    declared = graph.proto.graph.output[-1].type.tensor_type.shape.dim[1].dim_value
    assert declared == wanted.shape[1]


def test_what_has_no_form_is_refused_by_its_name() -> None:
    with pytest.raises(ExportError, match="multi_output_tree has several values in each leaf.* multi_strategy='one_output_per_tree'"):
        converted(fitted(xgboost.XGBRegressor(**SMALL, multi_strategy="multi_output_tree"), TARGETS))
