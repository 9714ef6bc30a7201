"""Runs each training script once a session, as a user starts it, into a folder of its own."""

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

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parents[2]
# Script and model differ in name for adult/2 only.
VERSIONS = {"adult2": "adult/2", "text": "text/1", "housing": "housing/1", "cost": "cost/1", "iris": "iris/1"}


def run_script(path: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own."""
    return subprocess.run(
        [sys.executable, str(path), *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
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


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    known: dict[str, Trained] = {}

    def get(script: str) -> Trained:
        if script not in known:
            model = VERSIONS[script]
            output = tmp_path_factory.mktemp("a path with spaces") / model
            # Not what the committed model was made under: an order taken from a set would show.
            result = run_script(
                SCRIPTS / f"{script}.py", "--output", output, PYTHONHASHSEED="123", SOURCE_DATE_EPOCH="0"
            )
            assert result.returncode == 0, result.stderr
            known[script] = Trained(model, ROOT / "models" / model, output, result.stdout)
        return known[script]

    return get
