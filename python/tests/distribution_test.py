"""Tests of distributions: bins by hand, and the tool that adds them to an old model.json."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts" / "models"
sys.path[:0] = [str(ROOT / "python" / "src"), str(SCRIPTS / "train")]

import iris

from servemodel.distribution import bin_edges, of_categories, of_numbers

IRIS = ROOT / "models" / "iris" / "1"


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        (np.arange(1, 1001), [100, 200, 300, 400, 500, 600, 700, 800, 900]),
        # Fewer rows, fewer bins: 50 in each at least, but two.
        (np.arange(1, 201), [50, 100, 150]),
        (np.arange(1, 11), [5]),
        # A value with the share of several bins has a bin of its own, at any position.
        (np.repeat([0, 1, 2], [920, 40, 40]), [0]),
        (np.repeat([0, 1, 2], [40, 920, 40]), [0, 1]),
        (np.repeat([0, 1, 2], [40, 40, 920]), [1]),
        (np.repeat([0, 1], [5, 995]), [0]),
        # A single value: values below it and above it are in different bins.
        (np.full(1000, 3.0), [np.nextafter(3, 0), 3]),
    ],
)
def test_edges(values: np.ndarray, edges: list[float]) -> None:
    assert bin_edges(values.astype("float64")) == edges


def test_a_value_on_an_edge_is_below_it() -> None:
    found = of_numbers(np.array([0.0] * 92 + [1.0] * 8))
    assert found == {"rows": 100, "edges": [0], "shares": [0.92, 0.08]}


def test_missing_values_and_unlisted_categories_have_shares_of_their_own() -> None:
    assert of_numbers(np.array([1.0, 2.0, np.nan, np.nan])) == {
        "rows": 4, "edges": [1], "shares": [0.25, 0.25], "missing": 0.5,
    }  # fmt: skip
    assert of_numbers(np.array([np.nan])) == {}
    assert of_categories(pd.Series(["a", "b", "b", "c"]), ["b", "a", "z"]) == {
        "rows": 4, "shares": [0.5, 0.25, 0], "other": 0.25,
    }  # fmt: skip


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "add_distribution.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_an_old_version_gets_what_training_would_have_written(tmp_path: Path) -> None:
    folder, frame = tmp_path / "iris" / "1", tmp_path / "flowers.csv"
    shutil.copytree(IRIS, folder)
    members = json.loads((IRIS / "model.json").read_text())
    for entry in [*members["inputs"], members["outputs"]]:
        del entry["distribution"]
    (folder / "model.json").write_text(json.dumps(members))
    iris.split(iris.read())[0].to_csv(frame, index=False)
    result = run(folder, frame)
    assert (result.returncode, result.stderr) == (0, "")
    for path in IRIS.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes(), path.name


def test_faults_are_one_line_and_change_nothing(tmp_path: Path) -> None:
    folder, frame = tmp_path / "iris" / "1", tmp_path / "flowers.csv"
    shutil.copytree(IRIS, folder)
    frame.write_text("s_length,s_width\n1,2\n")
    result = run(folder, frame)
    assert (result.returncode, result.stderr) == (
        1, "add_distribution.py: the frame has no column p_length, p_width\n",
    )  # fmt: skip
    assert (folder / "model.json").read_bytes() == (IRIS / "model.json").read_bytes()
    assert run(tmp_path, frame).stderr.startswith("add_distribution.py: there is no file ")
    assert run("--help").stdout.startswith("Usage: ./scripts/run add-distribution")
    assert run(folder).returncode == 2
