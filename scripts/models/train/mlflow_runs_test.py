"""Tests of scripts/models/train/mlflow_runs.py, on the committed adult/1."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("mlflow_runs.py")
ADULT = SCRIPT.parents[3] / "models" / "adult" / "1"


def run_cli(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of two versions and a folder that is none."""
    for name in ("2", "10", "data"):
        shutil.copytree(ADULT, tmp_path / "adult" / name)
    return tmp_path / "adult"


def test_writes_a_run_for_each_version_the_newest_last(model: Path, tmp_path: Path) -> None:
    result = run_cli(model, tmp_path / "bucket", "--experiment", "42")
    assert result.returncode == 0, result.stderr
    runs = [Path(line) for line in result.stdout.splitlines()]
    assert len(runs) == 2
    for run in runs:
        assert run.parent == tmp_path / "bucket" / "42"
        assert re.fullmatch("[0-9a-f]{32}", run.name)
        artifacts = run / "artifacts" / "model"
        assert {path.name for path in artifacts.iterdir()} == {
            "MLmodel", "model.onnx", "model.json", "golden.json", "background.json", "CARD.md",
        }  # fmt: skip
        assert (artifacts / "model.onnx").read_bytes() == (ADULT / "model.onnx").read_bytes()
    old, new = ((run / "artifacts" / "model" / "model.onnx").stat().st_mtime for run in runs)
    assert new - old == pytest.approx(60, abs=1)


def test_names_the_run_and_the_columns_in_mlmodel(tmp_path: Path) -> None:
    run = Path(run_cli(ADULT, tmp_path).stdout.strip())
    assert run.parent.name == "1"
    text = (run / "artifacts" / "model" / "MLmodel").read_text(encoding="utf-8")
    members = dict(line.split(": ", 1) for line in text.splitlines())
    assert json.loads(members["run_id"]) == run.name
    assert json.loads(members["flavors"])["onnx"]["data"] == "model.onnx"
    columns = json.loads(json.loads(members["signature"])["inputs"])
    assert columns[0] == {"type": "long", "name": "age", "required": False}
    assert columns[1] == {"type": "string", "name": "workclass", "required": True}


def test_gives_the_same_run_ids_each_time(model: Path, tmp_path: Path) -> None:
    names = [[Path(line).name for line in run_cli(model, tmp_path / at).stdout.splitlines()] for at in ("a", "b")]
    assert names[0] == names[1] and len(set(names[0])) == 2


@pytest.mark.parametrize("fault", ["no model", "no version", "no json", "bad json", "digest", "exists", "experiment"])
def test_refuses_in_one_line_and_writes_nothing(fault: str, model: Path, tmp_path: Path) -> None:
    bucket, named, arguments = tmp_path / "bucket", model, []
    if fault == "no model":
        named = tmp_path / "none"
    elif fault == "no version":
        named = tmp_path / "empty"
        named.mkdir()
    elif fault == "no json":
        (model / "10" / "model.json").unlink()
    elif fault == "bad json":
        (model / "10" / "model.json").write_text("[]")
    elif fault == "digest":
        (model / "10" / "model.onnx").write_bytes(b"other")
    elif fault == "exists":
        (bucket / "1").mkdir(parents=True)
    else:
        arguments = ["--experiment", "../up"]
    result = run_cli(named, bucket, *arguments)
    assert result.returncode == 1
    assert re.fullmatch(r"mlflow_runs\.py: .+\n", result.stderr), result.stderr
    assert not list(bucket.glob("*/*")) and not (tmp_path / "up").exists()


def test_prints_its_usage_to_stdout() -> None:
    result = run_cli("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: mlflow_runs.py MODEL OUTPUT")
