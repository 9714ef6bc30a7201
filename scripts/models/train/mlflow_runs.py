#!/usr/bin/env python3
"""Copy version folders into the layout of an MLflow experiment's artifacts, as in a bucket of runs.

Writes OUTPUT/<experiment>/<run>/artifacts/model/ with model.onnx, model.json, golden.json and an MLmodel file, one run
a version, the oldest version first. Upload OUTPUT as it is, with any S3 client. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILES = ("model.onnx", "model.json", "golden.json", "background.json", "CARD.md")
REQUIRED = ("model.onnx", "model.json")
# Runs get file times a minute apart: readers sort runs by them.
SECONDS_BETWEEN_RUNS = 60
TYPES = {"string": "string", "number": "double", "integer": "long", "boolean": "boolean"}


class LayoutError(Exception):
    """A fault that its one-line message explains to the user."""


def run_id(experiment: str, digest: str, version: int) -> str:
    """32 hexadecimal digits, as MLflow's: the same for the same model."""
    return hashlib.sha256(f"{experiment}/{version}/{digest}".encode()).hexdigest()[:32]


def find_versions(model: Path) -> list[Path]:
    """The version folders of a model folder, or the one version folder that it is, the oldest first."""
    if not model.is_dir():
        raise LayoutError(f"{model} is not a folder")
    if (model / "model.onnx").exists():
        return [model]
    versions = [entry for entry in model.iterdir() if re.fullmatch(r"[1-9]\d{0,8}", entry.name) and entry.is_dir()]
    if not versions:
        raise LayoutError(f"{model} holds no version")
    return sorted(versions, key=lambda entry: int(entry.name))


def mlmodel(run: str, facts: dict[str, Any]) -> str:
    """The MLmodel file of an ONNX model. JSON is YAML too, so each value is written as JSON."""
    inputs = [
        {"type": TYPES[column["type"]], "name": column["name"], "required": not column["nullable"]}
        for column in facts["inputs"]
    ]
    members = {
        "artifact_path": "model",
        "flavors": {"onnx": {"data": "model.onnx", "providers": ["CPUExecutionProvider"]}},
        "run_id": run,
        "signature": {"inputs": json.dumps(inputs, ensure_ascii=False)},
    }
    if "created" in facts:
        members["utc_time_created"] = f"{facts['created']} 00:00:00.000000"
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in members.items())


def read_facts(version: Path) -> tuple[dict[str, Any], str]:
    """model.json, and the digest of model.onnx, which must be the one that it names."""
    for name in REQUIRED:
        if not (version / name).is_file():
            raise LayoutError(f"{version} has no {name}")
    digest = hashlib.sha256((version / "model.onnx").read_bytes()).hexdigest()
    try:
        facts = json.loads((version / "model.json").read_text(encoding="utf-8"))
        named = facts.get("sha256", digest)
    except (ValueError, AttributeError):
        raise LayoutError(f"{version / 'model.json'} is no JSON object") from None
    if named != digest:
        raise LayoutError(f"{version}: model.onnx has another digest than model.json says")
    return facts, digest


def lay_out(model: Path, output: Path, experiment: str) -> list[Path]:
    """Write the runs of a model; returns their folders, the oldest version first. Nothing is overwritten."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", experiment):
        raise LayoutError("--experiment must be 1 to 64 letters, digits, dashes or underscores")
    folder = output / experiment
    if folder.exists():
        raise LayoutError(f"{folder} exists already")
    # All are read before anything is written.
    versions = [(version, *read_facts(version)) for version in find_versions(model)]
    newest = datetime.now(UTC).timestamp()
    runs = []
    for index, (version, facts, digest) in enumerate(versions):
        run = run_id(experiment, digest, index + 1)
        target = folder / run / "artifacts" / "model"
        target.mkdir(parents=True)
        for name in FILES:
            if (version / name).is_file():
                shutil.copyfile(version / name, target / name)
        (target / "MLmodel").write_text(mlmodel(run, facts), encoding="utf-8")
        logged = newest - (len(versions) - 1 - index) * SECONDS_BETWEEN_RUNS
        for path in target.iterdir():
            os.utime(path, (logged, logged))
        runs.append(folder / run)
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed with one line on stderr, 2 wrong options."""
    parser = argparse.ArgumentParser(
        prog="mlflow_runs.py",
        usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Usage: mlflow_runs.py MODEL OUTPUT [--experiment ID]\n\n{__doc__}",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder of a model or of one version: models/cost")
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="folder that becomes the bucket")
    parser.add_argument("--experiment", default="1", metavar="ID", help="id of the experiment (default: 1)")
    options = parser.parse_args(arguments)
    try:
        runs = lay_out(options.model, options.output, options.experiment)
    except (LayoutError, OSError) as error:
        print(f"mlflow_runs.py: {error}", file=sys.stderr)
        return 1
    for run in runs:
        print(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
