#!/usr/bin/env python3
"""Add the distribution of the training data to the model.json of a version that was exported without it.

The server compares requests with it to detect drift. model.onnx is only read: it answers the training rows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

from servemodel.command_line import ArgumentParser, HelpFormatter, exit_code
from servemodel.errors import ExportError

# --help needs none of these packages.
MISSING = ""
try:
    import onnx
    import pandas as pd

    from servemodel.distribution import with_distributions
    from servemodel.documents import to_json_document, write_all
    from servemodel.edges import typed
    from servemodel.graphs import Graph
    from servemodel.parity import Session
    from servemodel.signature import Column
    from servemodel.sources import load_frame
except ImportError as error:
    if __name__ != "__main__":
        raise
    MISSING = f"{error}; install the packages with: pip install -r scripts/models/requirements.txt"


def add_distribution(folder: Path, frame: pd.DataFrame) -> None:
    """Rewrite model.json in a version folder.

    frame: training rows [N > 0] with the model's columns; other columns are ignored.
    Raises ExportError, in one line, and writes nothing, when the rows don't fit the model.
    """
    path = folder / "model.json"
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
        columns = [Column(entry["name"], entry["type"], entry["nullable"]) for entry in members["inputs"]]
        graph = onnx.load(folder / "model.onnx")
    except FileNotFoundError as error:
        raise ExportError(f"there is no file {error.filename}") from None
    except (ValueError, KeyError, TypeError):
        raise ExportError(f"{path} is no signature") from None
    missing = [column.name for column in columns if column.name not in frame.columns]
    if missing or len(frame) == 0:
        raise ExportError(f"the frame has no column {', '.join(missing)}" if missing else "the frame has no rows")
    try:
        rows = typed(frame[[column.name for column in columns]].reset_index(drop=True), columns)
    except (ValueError, TypeError) as error:
        raise ExportError(f"the frame has other types than the signature: {' '.join(str(error).split())}") from None
    described = with_distributions(members, rows, Session(Graph(graph), columns).answer(rows).predictions)
    write_all({path: to_json_document(described, listed=["inputs"])})


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed with one line on stderr, 2 wrong options, 130 interrupted."""
    parser = ArgumentParser(
        prog="./scripts/run add-distribution",
        formatter_class=HelpFormatter,
        description="Add the distribution of the training data to the model.json of a version, so that the server "
        "can detect drift. For versions that were exported without it: model.onnx stays as it is.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="version folder, such as models/churn/1")
    parser.add_argument("frame", type=Path, metavar="FRAME", help="the training rows: .csv, .csv.gz or .parquet")
    parser.add_argument("--text", action="append", default=[], metavar="COLUMN",
                        help="a CSV column that is text though it looks like numbers; may be repeated")  # fmt: skip
    options = parser.parse_args(arguments)
    if MISSING:
        sys.exit(MISSING)
    return exit_code(
        "add_distribution.py", lambda: add_distribution(options.folder, load_frame(options.frame, options.text))
    )


if __name__ == "__main__":
    sys.exit(main())
