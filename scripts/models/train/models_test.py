"""Tests of every model that a script of this folder trains: the committed files, and the files of a new training."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import OTHER_PROCESSOR, VERSIONS, Train, read_json

from servemodel.documents import significant
from servemodel.edges import typed
from servemodel.graphs import Graph
from servemodel.parity import Session
from servemodel.same import differences
from servemodel.signature import Column

FILES = ["CARD.md", "background.json", "golden.json", "model.json", "model.onnx"]


def files_of(script: str) -> list[str]:
    # A text alone has no background rows.
    return [name for name in FILES if script != "text" or name != "background.json"]


pytestmark = pytest.mark.parametrize("script", VERSIONS)


def columns_of(folder: Path) -> list[Column]:
    inputs = read_json(folder / "model.json")["inputs"]
    return [Column(entry["name"], entry["type"], entry["nullable"]) for entry in inputs]


def change_a_number(graph: onnx.ModelProto) -> None:
    """Of the trees, or of the first table of weights: by a hundred-thousandth."""
    for attribute in (attribute for node in graph.graph.node for attribute in node.attribute):
        if attribute.name in ("class_weights", "target_weights"):
            attribute.floats[0] = attribute.floats[0] * 1.00001 + 1e-7
            return
    tensor = next(tensor for tensor in graph.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * np.float32(1.00001), tensor.name))


@pytest.mark.parametrize("environment", [{}, OTHER_PROCESSOR], ids=["here", "other processor"])
def test_training_again_gives_the_committed_model(script: str, environment: dict[str, str], trained: Train) -> None:
    model = trained(script, **environment)
    assert sorted(path.name for path in model.again.iterdir()) == files_of(script)
    assert read_json(model.again / "model.json")["created"] == "1970-01-01"
    if script != "text":
        assert (model.again / "background.json").read_bytes() == (model.committed / "background.json").read_bytes()
    assert differences(model.again, model.committed) == []
    for folder in (model.again, model.committed):
        golden = read_json(folder / "golden.json")
        answers = golden.get("probabilities", golden["predictions"])
        assert answers == significant(answers)


def test_training_twice_on_one_machine_gives_the_same_bytes(script: str, trained: Train) -> None:
    first, second = trained(script).again, trained(script, PYTHONHASHSEED="4").again
    for name in files_of(script):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.parametrize("name", ["golden.json", "model.json", "model.onnx", "CARD.md"])
def test_the_comparison_sees_a_small_change(script: str, name: str, tmp_path: Path, trained: Train) -> None:
    committed = trained(script).committed
    folder = shutil.copytree(committed, tmp_path / "1")
    path = folder / name
    if name == "golden.json":
        golden = read_json(path)
        row = golden["probabilities"][0] if "probabilities" in golden else golden["predictions"]
        row[0] += 1e-9
        path.write_text(json.dumps(golden))
    elif name == "model.json":
        members = read_json(path)
        members["metrics"][next(iter(members["metrics"]))] += 1e-5
        path.write_text(json.dumps(members))
    elif name == "CARD.md":
        path.write_text(path.read_text(encoding="utf-8").replace("0.", "0.1", 1), encoding="utf-8")
    else:
        graph = onnx.load(path)
        change_a_number(graph)
        onnx.save(graph, path)
        members = read_json(folder / "model.json")
        members["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "model.json").write_text(json.dumps(members))
    found = differences(folder, committed)
    assert [one.split("/")[0].split(":")[0] for one in found] == [name]


def test_model_json_names_digest_and_graph(script: str, trained: Train) -> None:
    folder = trained(script).committed
    members = read_json(folder / "model.json")
    assert members["sha256"] == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    graph = onnx.load(folder / "model.onnx").graph
    assert [entry["onnx"] for entry in members["inputs"]] == [tensor.name for tensor in graph.input]
    outputs = [name for name in members["outputs"].values() if isinstance(name, str)]
    assert outputs == [tensor.name for tensor in graph.output]


def test_golden_rows_are_answered(script: str, trained: Train) -> None:
    folder = trained(script).committed
    golden, columns = read_json(folder / "golden.json"), columns_of(folder)
    assert golden["columns"] == [column.name for column in columns]
    assert len(golden["data"]) >= 20
    frame = typed(pd.DataFrame(golden["data"], columns=golden["columns"]), columns)
    answers = Session(Graph(onnx.load(folder / "model.onnx")), columns).answer(frame)
    if "probabilities" in golden:
        assert answers.predictions.tolist() == golden["predictions"]
        np.testing.assert_allclose(answers.numbers, golden["probabilities"], rtol=0, atol=1e-6)
        assert set(golden["predictions"]) == set(read_json(folder / "model.json")["outputs"]["classes"])
    else:
        np.testing.assert_allclose(answers.predictions, golden["predictions"], rtol=1e-5)


def test_the_card_says_where_data_come_from_and_how_good_it_is(script: str, trained: Train) -> None:
    folder = trained(script).committed
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    for heading in ("## Use", "## Data", "## Training", "## Quality on", "## Limits"):
        assert heading in card
    metrics = read_json(folder / "model.json")["metrics"]
    first = next(iter(metrics.values()))
    assert f"{first:.4f}" in card or f"{first:.2f}" in card
    assert any(licence in card for licence in ("Apache-2.0", "CC BY 4.0"))


def test_the_run_tells_quality_and_digest(script: str, trained: Train) -> None:
    model = trained(script)
    assert read_json(model.again / "model.json")["sha256"] in model.stdout
    assert "rows with the same answers" in model.stdout


def test_help_goes_to_stdout(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        importlib.import_module(script).main(["--help"])
    assert exit_info.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: {script}.py")
    assert err == ""
