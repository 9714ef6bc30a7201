"""Covers in the graph are those of the library, node by node."""

from __future__ import annotations

import operator
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from servemodel.covers import write_covers
from servemodel.exporting import export_model

ROWS = 400
HOLDS = {b"BRANCH_LEQ": operator.le, b"BRANCH_LT": operator.lt, b"BRANCH_GT": operator.gt}


def _rows(classes: int) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(classes)
    # Halves are exact in float32.
    frame = pd.DataFrame(np.round(random.normal(size=(ROWS, 5)) * 8) / 2, columns=list("abcde"))
    score = frame["a"] * frame["b"] + 3 * frame["c"] + random.normal(size=ROWS)
    target = score.to_numpy() if classes == 0 else pd.qcut(score, classes, labels=False).to_numpy()
    return frame, target


def _trees(path: Path) -> dict[str, Any]:
    graph = onnx.load(path).graph
    node = next(node for node in graph.node if node.op_type.startswith("TreeEnsemble"))
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


MODELS = [
    (DecisionTreeClassifier(max_depth=4, random_state=0), 2),
    (RandomForestClassifier(n_estimators=5, random_state=0), 3),
    (RandomForestRegressor(n_estimators=5, random_state=0), 0),
    (ExtraTreesClassifier(n_estimators=5, random_state=0), 2),
    (GradientBoostingClassifier(n_estimators=5, random_state=0), 3),
    (GradientBoostingRegressor(n_estimators=5, random_state=0), 0),
    (HistGradientBoostingClassifier(max_iter=5, random_state=0), 2),
    (LGBMClassifier(n_estimators=5, verbose=-1), 2),
    (LGBMClassifier(n_estimators=5, verbose=-1), 3),
    (LGBMRegressor(n_estimators=5, verbose=-1), 0),
    (XGBClassifier(n_estimators=5), 2),
    (XGBClassifier(n_estimators=5), 3),
    (XGBRegressor(n_estimators=5), 0),
    (CatBoostClassifier(n_estimators=5, depth=4, verbose=0, allow_writing_files=False), 2),
    (CatBoostClassifier(n_estimators=5, depth=4, verbose=0, allow_writing_files=False), 3),
    (CatBoostRegressor(n_estimators=5, depth=4, verbose=0, allow_writing_files=False), 0),
]


@pytest.mark.parametrize(("model", "classes"), MODELS, ids=lambda value: type(value).__name__ if value not in (0, 2, 3) else str(value))
def test_an_export_has_the_covers_of_the_library(model: Any, classes: int, tmp_path: Path) -> None:
    frame, target = _rows(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, target)
        export_model(model, frame, tmp_path / "model" / "1")
    trees = _trees(tmp_path / "model" / "1" / "model.onnx")
    covers = np.array(trees["nodes_hitrates"])
    ids, tree_ids = np.array(trees["nodes_nodeids"]), np.array(trees["nodes_treeids"])
    place = {(tree, node): at for at, (tree, node) in enumerate(zip(tree_ids, ids, strict=True))}
    for at, mode in enumerate(trees["nodes_modes"]):
        if mode != b"LEAF":
            left = place[tree_ids[at], trees["nodes_truenodeids"][at]]
            right = place[tree_ids[at], trees["nodes_falsenodeids"][at]]
            # XGBoost adds up float32.
            assert covers[left] + covers[right] == pytest.approx(covers[at], rel=1e-4)
    roots = [at for at in range(len(ids)) if at == 0 or tree_ids[at] != tree_ids[at - 1]]
    assert (covers[roots] > 10).all()


@pytest.mark.parametrize(
    "model",
    [
        LGBMRegressor(n_estimators=3, num_leaves=8, verbose=-1),
        # The second derivative of a squared error is 1.
        XGBRegressor(n_estimators=3, max_depth=3),
        CatBoostRegressor(n_estimators=3, depth=3, verbose=0, allow_writing_files=False),
        GradientBoostingRegressor(n_estimators=3, random_state=0),
        HistGradientBoostingRegressor(max_iter=3, random_state=0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_covers_are_the_rows_that_come_to_a_node(model: Any, tmp_path: Path) -> None:
    frame, target = _rows(0)
    model.fit(frame, target)
    export_model(model, frame, tmp_path / "model" / "1")
    trees = _trees(tmp_path / "model" / "1" / "model.onnx")
    counts = np.zeros(len(trees["nodes_nodeids"]))
    place = {pair: at for at, pair in enumerate(zip(trees["nodes_treeids"], trees["nodes_nodeids"], strict=True))}
    for row in frame.to_numpy("float32"):
        for tree in set(trees["nodes_treeids"]):
            at = place[tree, 0]
            while True:
                counts[at] += 1
                if trees["nodes_modes"][at] == b"LEAF":
                    break
                holds = HOLDS[trees["nodes_modes"][at]](row[trees["nodes_featureids"][at]], np.float32(trees["nodes_values"][at]))
                at = place[tree, trees["nodes_truenodeids" if holds else "nodes_falsenodeids"][at]]
    assert counts.tolist() == list(trees["nodes_hitrates"])


def test_other_trees_are_left_as_they_are(tmp_path: Path) -> None:
    frame, target = _rows(2)
    one = RandomForestClassifier(n_estimators=3, random_state=0).fit(frame, target)
    export_model(one, frame, tmp_path / "model" / "1")
    path = tmp_path / "model" / "1" / "model.onnx"
    graph = onnx.load(path)
    before = graph.SerializeToString()
    assert not write_covers(graph, RandomForestClassifier(n_estimators=3, random_state=1).fit(frame, target))
    assert not write_covers(graph, RandomForestClassifier(n_estimators=4, random_state=0).fit(frame, target))
    assert not write_covers(graph, LogisticRegression().fit(frame, target))
    assert graph.SerializeToString() == before
    assert write_covers(graph, one)
    assert graph.SerializeToString() == before


def test_covers_change_no_answer(tmp_path: Path) -> None:
    frame, target = _rows(3)
    export_model(RandomForestClassifier(n_estimators=5, random_state=0).fit(frame, target), frame, tmp_path / "model" / "1")
    graph = onnx.load(tmp_path / "model" / "1" / "model.onnx")
    feeds = {one.name: frame[[column]].to_numpy("float32") for one, column in zip(graph.graph.input, frame, strict=True)}

    def answers() -> list[np.ndarray]:
        return onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)

    first = answers()
    node = next(node for node in graph.graph.node if node.op_type.startswith("TreeEnsemble"))
    hitrates = next(attribute for attribute in node.attribute if attribute.name == "nodes_hitrates")
    hitrates.floats[:] = [1.0] * len(hitrates.floats)
    for one, other in zip(first, answers(), strict=True):
        assert np.array_equal(one, other)
