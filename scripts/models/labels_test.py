"""Tests of scripts/models/export.py: labels are the training side's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent))
from export import export_model
from servemodel.errors import ExportError

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RANDOM.normal(size=300), "b": RANDOM.normal(size=300)})
HIGH = (FRAME["a"] > 0).to_numpy()
LABELS: dict[str, tuple[Any, list[Any]]] = {
    "booleans": (HIGH, [False, True]),
    "floats": (np.where(HIGH, 1.0, 2.0), [1.0, 2.0]),
    "integers": (np.where(HIGH, -1, 7), [-1, 7]),
    "texts that look like numbers": (np.where(HIGH, "1.0", "2.0"), ["1.0", "2.0"]),
    "texts that look like booleans": (np.where(HIGH, "True", "False"), ["False", "True"]),
}
MODELS = {
    "forest": RandomForestClassifier(5, random_state=0),
    "logistic": LogisticRegression(),
    "LightGBM": LGBMClassifier(n_estimators=3, verbose=-1),
    "hist gradient boosting": HistGradientBoostingClassifier(max_iter=3),
    "naive Bayes": GaussianNB(),
    "neighbours": KNeighborsClassifier(3),
}


def same(got: list[Any], wanted: list[Any]) -> bool:
    """Equal in type, too: 1, 1.0 and True are equal in Python."""
    return [(type(one), one) for one in got] == [(type(one), one) for one in wanted]


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", MODELS)
def test_labels_are_as_trained(name: str, labels: str, tmp_path: Path) -> None:
    target, classes = LABELS[labels]
    model = MODELS[name].fit(FRAME, target)
    result = export_model(model, FRAME.assign(y=target), tmp_path / "m" / "1", target="y")
    outputs = json.loads((tmp_path / "m" / "1" / "model.json").read_text())["outputs"]
    golden = json.loads((tmp_path / "m" / "1" / "golden.json").read_text())
    assert same(outputs["classes"], classes)
    assert outputs.get("floatClasses", False) == (labels == "floats")
    rows = pd.DataFrame(golden["data"], columns=golden["columns"])
    assert same(golden["predictions"], model.predict(rows).tolist())
    assert result.metrics["accuracy"] == pytest.approx(np.mean(model.predict(FRAME) == target))
    assert result.metrics["roc_auc"] > 0.9
    assert sum(outputs["distribution"]["shares"]) == pytest.approx(1)


def test_the_answers_of_booleans_reach_a_model_that_numbers_them(tmp_path: Path) -> None:
    # XGBoost numbers its classes, whatever they were.
    model = XGBClassifier(n_estimators=3).fit(FRAME, HIGH)
    result = export_model(model, FRAME.assign(y=HIGH), tmp_path / "m" / "1", target="y")
    assert result.metrics["accuracy"] == 1.0


def test_integers_that_json_cannot_carry_are_refused_unless_named(tmp_path: Path) -> None:
    target = np.where(HIGH, 2**53 + 1, 42)
    model = RandomForestClassifier(5, random_state=0).fit(FRAME, target)
    with pytest.raises(ExportError, match=r"class 9007199254740993 is beyond 2\^53 - 1, so JSON can't carry it"):
        export_model(model, FRAME, tmp_path / "m" / "1")
    assert not (tmp_path / "m").exists()
    export_model(model, FRAME, tmp_path / "m" / "1", classes=["few", "many"])
    golden = json.loads((tmp_path / "m" / "1" / "golden.json").read_text())
    rows = pd.DataFrame(golden["data"], columns=golden["columns"])
    assert golden["predictions"] == [{42: "few", 2**53 + 1: "many"}[label] for label in model.predict(rows).tolist()]
    # The server lifts no forest out of a graph with such integers.
    graph = onnx.load(tmp_path / "m" / "1" / "model.onnx").graph
    numbers = [number for node in graph.node for attribute in node.attribute for number in attribute.ints]
    assert max(numbers) < 2**53


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (RandomForestClassifier(5, random_state=0), HIGH),
        (RandomForestClassifier(5, random_state=0), HIGH.astype(int)),
        (XGBClassifier(n_estimators=3), HIGH.astype(int)),
        (LGBMClassifier(n_estimators=3, verbose=-1), HIGH.astype(float)),
    ],
)
def test_named_classes_are_measured_by_the_numbers_that_they_name(model: Any, target: Any, tmp_path: Path) -> None:
    model.fit(FRAME, target)
    named = export_model(model, FRAME.assign(y=target), tmp_path / "m" / "1", target="y", classes=["low", "high"])
    # The target may have the names, too.
    texts = np.where(HIGH, "high", "low")
    by_name = export_model(model, FRAME.assign(y=texts), tmp_path / "m" / "2", target="y", classes=["low", "high"])
    assert named.metrics["accuracy"] == by_name.metrics["accuracy"] == pytest.approx(np.mean(model.predict(FRAME) == target))
    assert onnx.load(tmp_path / "m" / "1" / "model.onnx").graph.node[-1].op_type == "LabelEncoder"
