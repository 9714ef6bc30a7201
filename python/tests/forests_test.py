"""Forests are written from the trees' arrays: byte for byte as skl2onnx writes them, and answered in parts where they are large."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

SOURCES = str(Path(__file__).resolve().parents[1] / "src")
sys.path.insert(0, SOURCES)

import servemodel
from servemodel import convert as conversion
from servemodel import graphs, wire
from servemodel.answers import form_of
from servemodel.converters import forests
from servemodel.graphs import Graph, Runner
from servemodel.native import native_categories
from servemodel.signature import describe_columns
from servemodel.tasks import task_of

RANDOM = np.random.default_rng(7)
FRAME = pd.DataFrame(RANDOM.normal(size=(400, 5)), columns=list("abcde"))
FRAME["b"] = FRAME["b"].round(1)
FRAME["c"] *= 1e-7
FRAME["d"] = (FRAME["d"] * 1e6).round()
NOISE = RANDOM.normal(size=400)
BINARY = (FRAME["a"] + NOISE > 0).astype(int)
GROUPS = pd.cut(FRAME["a"] + NOISE, [-9, -1, 0, 1, 9], labels=["w", "x", "y", "z"]).astype(str)
VALUES = FRAME["a"] * 3 + NOISE
COUNTS = RANDOM.poisson(3, 400)
WEIGHTS = RANDOM.uniform(0.1, 5, 400)
WITH_GAPS = FRAME.mask(RANDOM.random(FRAME.shape) < 0.2)
MIXED = FRAME.assign(kind=RANDOM.choice(["n", "s", "w"], 400), flag=RANDOM.random(400) < 0.5)


def behind(model: Any) -> Any:
    columns = ColumnTransformer(
        [("n", make_pipeline(SimpleImputer(), StandardScaler()), list("abc")), ("k", OneHotEncoder(handle_unknown="ignore"), ["kind"])]
    )
    return make_pipeline(columns, model)


def stacked() -> Any:
    return StackingClassifier(
        [("f", RandomForestClassifier(9, random_state=0)), ("e", ExtraTreesClassifier(9, random_state=0))], LogisticRegression(), cv=3
    )


MODELS: dict[str, Any] = {
    "binary": lambda: RandomForestClassifier(101, random_state=0).fit(FRAME, BINARY),
    "binary, texts": lambda: ExtraTreesClassifier(31, random_state=0).fit(FRAME, BINARY.map({0: "no", 1: "yes"})),
    "booleans": lambda: RandomForestClassifier(31, random_state=0).fit(FRAME, BINARY > 0),
    "many classes": lambda: RandomForestClassifier(60, random_state=0, n_jobs=2).fit(FRAME, GROUPS),
    "ten classes": lambda: ExtraTreesClassifier(31, random_state=0, max_depth=6).fit(FRAME, RANDOM.integers(0, 10, 400)),
    "class weights": lambda: RandomForestClassifier(60, random_state=0, class_weight="balanced", max_depth=7).fit(FRAME, GROUPS),
    "sample weights": lambda: RandomForestClassifier(60, random_state=0, max_depth=7).fit(FRAME, BINARY, WEIGHTS),
    "depth 1": lambda: RandomForestClassifier(101, random_state=0, max_depth=1).fit(FRAME, BINARY),
    "values": lambda: RandomForestRegressor(90, random_state=0).fit(FRAME, VALUES),
    "values, weights": lambda: ExtraTreesRegressor(31, random_state=0, min_samples_leaf=3).fit(FRAME, VALUES, WEIGHTS),
    "values, depth 1": lambda: ExtraTreesRegressor(31, random_state=0, max_depth=1).fit(FRAME, VALUES),
    "counts": lambda: RandomForestRegressor(31, random_state=0, criterion="poisson", max_depth=8).fit(FRAME, COUNTS),
    "missing values": lambda: RandomForestClassifier(31, random_state=0).fit(WITH_GAPS, BINARY),
    "missing values, values": lambda: RandomForestRegressor(31, random_state=0).fit(WITH_GAPS, VALUES),
    "a tree": lambda: DecisionTreeClassifier(random_state=0).fit(FRAME, BINARY),
    "a tree, many classes": lambda: ExtraTreeClassifier(random_state=0).fit(FRAME, GROUPS, WEIGHTS),
    "a tree, values": lambda: DecisionTreeRegressor(random_state=0).fit(FRAME, VALUES),
    "a tree, several values": lambda: ExtraTreeRegressor(random_state=0, max_depth=6).fit(FRAME, np.c_[VALUES, COUNTS]),
    "a tree, missing values": lambda: DecisionTreeClassifier(random_state=0).fit(WITH_GAPS, BINARY),
    "trees in a bag": lambda: BaggingClassifier(n_estimators=9, random_state=0).fit(FRAME, GROUPS),
    "boosted trees": lambda: AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=9, random_state=0).fit(FRAME, BINARY),
    "several values": lambda: RandomForestRegressor(60, random_state=0, max_depth=7).fit(FRAME, np.c_[VALUES, COUNTS, NOISE]),
    "two values": lambda: ExtraTreesRegressor(60, random_state=0, max_depth=7).fit(FRAME, np.c_[VALUES, COUNTS]),
    "warm start": lambda: RandomForestRegressor(5, warm_start=True, random_state=0).fit(FRAME, VALUES).set_params(n_estimators=9).fit(FRAME, VALUES),
    "behind other steps": lambda: behind(RandomForestClassifier(60, random_state=0)).fit(MIXED, GROUPS),
    "on booleans": lambda: ExtraTreesRegressor(9, random_state=0).fit(MIXED[["flag"]], VALUES),
    "in a stack": lambda: stacked().fit(FRAME, BINARY),
    "in a vote": lambda: VotingRegressor([("f", RandomForestRegressor(9, random_state=0)), ("e", ExtraTreesRegressor(9, random_state=0))]).fit(FRAME, VALUES),
}


def frame_of(model: Any) -> pd.DataFrame:
    return MIXED[list(model.feature_names_in_)]


def converted(model: Any, frame: pd.DataFrame | None = None) -> Graph:
    frame = frame_of(model) if frame is None else frame
    columns = describe_columns(model, frame, [], native_categories(model, frame, True))
    return conversion.convert(model, columns, frame, "m", form_of(model, frame, task_of(model)))


def graph_of(content: bytes) -> onnx.ModelProto:
    """Without the order of its operator sets, which changes with the seed of hashes."""
    proto = onnx.ModelProto.FromString(content)
    sets = sorted((one.domain, one.version) for one in proto.opset_import)
    del proto.opset_import[:]
    proto.opset_import.extend([onnx.helper.make_opsetid(*one) for one in sets])
    return proto


def without_covers(graph: Graph) -> onnx.ModelProto:
    """Covers are written where the library's trees are found in the graph, which skl2onnx's own file shows less often."""
    proto = graph_of(graph.content()[0])
    for node in proto.graph.node:
        for attribute in node.attribute:
            if attribute.name == "nodes_hitrates":
                del attribute.floats[:]
    return proto


def feeds(graph: Graph, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    kinds = {onnx.TensorProto.STRING: object, onnx.TensorProto.BOOL: bool, onnx.TensorProto.INT64: "int64"}
    return {
        one.name: frame[name].to_numpy(kinds.get(one.type.tensor_type.elem_type, "float32")).reshape(-1, 1)
        for one, name in zip(graph.proto.graph.input, frame.columns, strict=True)
    }


@pytest.fixture()
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "WHOLE_NODES", 0)
    monkeypatch.setattr(forests, "PART_SIZE", 400)
    monkeypatch.setattr(graphs, "CELLS", 5000)


@pytest.mark.parametrize("name", MODELS)
def test_the_file_is_the_one_of_skl2onnx(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS[name]()
    ours = converted(model)
    assert ours.forests == {}
    monkeypatch.setattr(conversion, "kept_aside", lambda missing: contextlib.nullcontext({}))
    theirs = converted(model)
    assert without_covers(ours).SerializeToString() == without_covers(theirs).SerializeToString()


@pytest.mark.parametrize("name", MODELS)
def test_parts_give_the_file_and_its_answers_bit_by_bit(name: str, in_parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS[name]()
    parted = converted(model)
    assert parted.parts >= len(parted.forests) > 0
    monkeypatch.setattr(graphs, "WHOLE_NODES", 10**9)
    whole = converted(model)
    assert whole.parts == 0
    assert graph_of(b"".join(parted.content())) == graph_of(whole.content()[0])
    names = [output.name for output in whole.proto.graph.output]
    frame = frame_of(model)
    gaps = frame.copy()
    numbers = [column for column in frame if frame[column].dtype == "float64"]
    gaps[numbers] = gaps[numbers].mask(np.random.default_rng(3).random((400, len(numbers))) < 0.3)
    for rows in (frame, gaps, frame.head(1)):
        for got, wanted in zip(Runner(parted).run(names, feeds(parted, rows)), Runner(whole).run(names, feeds(whole, rows)), strict=True):
            assert got.shape == wanted.shape
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("whole", [0, 10**9])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(51, random_state=0).fit(WITH_GAPS, GROUPS),
        RandomForestRegressor(51, random_state=0, max_depth=1).fit(WITH_GAPS, VALUES),
        DecisionTreeClassifier(random_state=0, min_samples_leaf=9).fit(WITH_GAPS, BINARY),
        # Fitted without a missing value: scikit-learn sends one to the larger child.
        RandomForestClassifier(51, random_state=0).fit(FRAME, BINARY),
    ],
    ids=["classes", "values", "a tree", "fitted without"],
)
def test_missing_values_go_where_the_library_sends_them(model: Any, whole: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "WHOLE_NODES", whole)
    export = servemodel.export(model, WITH_GAPS, tmp_path / "m" / "1")
    assert export.agreement.complete
    assert (export.parts > 0) == (whole == 0)
    assert [column.nullable for column in export.columns] == [True] * 5


def test_a_wrong_tree_of_a_part_is_found(in_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["values"]()
    original = forests._part

    def wrong(trees: list[Any], first: int, share: float, *more: bool) -> forests.Part:
        return original(trees, first, share * (1.01 if first > 50 else 1), *more)

    monkeypatch.setattr(forests, "_part", wrong)
    with pytest.raises(servemodel.ExportError, match="doesn't give scikit-learn's answers"):
        servemodel.export(model, FRAME, tmp_path / "m" / "1")


def test_an_export_in_parts_says_so(in_parts: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from servemodel.exporting import summary

    export = servemodel.export(MODELS["many classes"](), FRAME, tmp_path / "m" / "1", classes=None)
    assert export.parts > 1
    summary(export)
    assert f"{export.parts} parts of whole trees" in capsys.readouterr().out
    assert (tmp_path / "m" / "1" / "model.onnx").stat().st_size == export.size


def test_whole_numbers_in_the_wire_form() -> None:
    values = np.array([0, 1, 127, 128, 300, 16_383, 16_384, 2_097_151, 2_097_152, 2**28, 2**31, 2**35 - 1])
    attribute = onnx.helper.make_attribute("a", values.tolist())
    kind = onnx.AttributeProto(name="a", type=onnx.AttributeProto.INTS).SerializeToString()
    assert onnx.AttributeProto.FromString(kind + wire.ints(values)) == attribute


LARGE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
import servemodel
random = np.random.default_rng(0)
frame = pd.DataFrame(random.normal(size=(15_000, 14)), columns=[f"c{at}" for at in range(14)])
model = RandomForestClassifier(4, max_features=1, random_state=0).fit(frame, random.integers(0, 2, 15_000))
# The same trees many times: to fit others takes half a minute.
model.estimators_ = (model.estimators_ * 1000)[: 5_000_000 // model.estimators_[0].tree_.node_count | 1]
nodes = sum(one.tree_.node_count for one in model.estimators_)
export = servemodel.export(model, frame.head(200), sys.argv[2])
print(nodes, export.parts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_five_million_nodes_take_less_than_2_gb(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE, SOURCES, str(tmp_path / "m" / "1")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    nodes, parts, kilobytes = map(int, done.stdout.split())
    assert nodes > 4_900_000
    assert parts > 5
    # Other trees would have 80 bytes a node in scikit-learn, twice while they are loaded.
    assert kilobytes * 1024 + 2 * 80 * nodes < 2e9
