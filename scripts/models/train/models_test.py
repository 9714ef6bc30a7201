"""What holds for every model that a script of this folder trains: the committed files, and the same files made again."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import VERSIONS, Trained, read_json

from exporter.edges import typed
from exporter.parity import Session
from exporter.signature import Column

FILES = ["CARD.md", "golden.json", "model.json", "model.onnx"]
Train = Callable[[str], Trained]

pytestmark = pytest.mark.parametrize("script", VERSIONS)


def columns_of(folder: Path) -> list[Column]:
    inputs = read_json(folder / "model.json")["inputs"]
    return [Column(entry["name"], entry["type"], entry["nullable"]) for entry in inputs]


def test_training_again_gives_the_committed_bytes(script: str, trained: Train) -> None:
    model = trained(script)
    assert sorted(path.name for path in model.again.iterdir()) == FILES
    for name in ("model.onnx", "golden.json", "CARD.md"):
        assert (model.again / name).read_bytes() == (model.committed / name).read_bytes(), name
    again, committed = read_json(model.again / "model.json"), read_json(model.committed / "model.json")
    assert again.pop("created") == "1970-01-01"
    committed.pop("created")
    assert again == committed


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
    answers = Session(onnx.load(folder / "model.onnx"), columns).ask(frame)
    if "probabilities" in golden:
        assert answers.predictions.tolist() == golden["predictions"]
        np.testing.assert_allclose(answers.probabilities, golden["probabilities"], rtol=0, atol=1e-6)
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
    assert read_json(model.committed / "model.json")["sha256"] in model.stdout
    assert "rows with the same answers" in model.stdout


def test_help_goes_to_stdout(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        importlib.import_module(script).main(["--help"])
    assert exit_info.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: {script}.py")
    assert err == ""
