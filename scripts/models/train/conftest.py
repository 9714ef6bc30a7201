"""Runs each training script, as a user starts it, into folders of its own: once a session under each environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parents[2]
# Script and model differ in name for adult/2 only.
VERSIONS = {"adult2": "adult/2", "text": "text/1", "housing": "housing/1", "cost": "cost/1", "iris": "iris/1"}

# The instructions of the oldest processor that numpy runs on: with others the last bits of logarithms and sums differ.
OTHER_PROCESSOR = {"NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__)}


def run_script(path: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own."""
    return subprocess.run(
        [sys.executable, str(path), *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Trained:
    """A model as it is committed, and as its script has just made it again."""

    name: str
    committed: Path
    again: Path
    stdout: str


Train = Callable[..., Trained]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Train:
    known: dict[Any, Trained] = {}

    def get(script: str, **environment: str) -> Trained:
        key = (script, *sorted(environment.items()))
        if key not in known:
            model = VERSIONS[script]
            output = tmp_path_factory.mktemp("a path with spaces") / model
            # Another hash seed than that of the committed model: an order taken from a set would show.
            hashes = {"PYTHONHASHSEED": "123", "SOURCE_DATE_EPOCH": "0"}
            result = run_script(SCRIPTS / f"{script}.py", "--output", output, **(hashes | environment))
            assert result.returncode == 0, result.stderr
            known[key] = Trained(model, ROOT / "models" / model, output, result.stdout)
        return known[key]

    return get
