#!/usr/bin/env python3
"""Export a fitted scikit-learn, LightGBM or XGBoost model as a version folder: the command line of servemodel.export."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

from servemodel.command_line import ArgumentParser, HelpFormatter, LateProgress, exit_code, with_fixed_hashes

# --help needs none of these packages.
MISSING = ""
try:
    from servemodel.exporting import Export, export_model, summary
    from servemodel.sources import load_frame, load_model
except ImportError as error:
    if __name__ != "__main__":
        raise
    MISSING = f"{error}; install the packages with: pip install ./python, or use: npm run import"

__all__ = ["Export", "export_model", "main", "summary"]


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options from the command line; every path may be relative to the current directory."""
    parser = ArgumentParser(
        prog="scripts/models/export.py",
        formatter_class=HelpFormatter,
        description="Export a fitted scikit-learn, LightGBM or XGBoost model as a version folder (model.onnx, "
        "model.json, golden.json, CARD.md), once ONNX Runtime gives its answers on every row of the frame.",
        epilog="A joblib or pickle file runs the code that is in it: load only files that you trust. Python 3.11 or "
        "newer with the package of python/ is needed; npm run import makes an environment of its own.",
    )
    parser.add_argument("model", metavar="MODEL",
                        help="joblib or pickle file with the fitted model, or package.module:name")  # fmt: skip
    parser.add_argument("frame", type=Path, metavar="FRAME", help="rows to compare on: .csv, .csv.gz or .parquet")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="version folder to write, such as models/churn/1")
    parser.add_argument("--target", metavar="COLUMN", help="column of FRAME with the true answers: quality is measured; of several values A,B,…")
    parser.add_argument("--columns", metavar="A,B,…",
                        help="the columns of FRAME in the order of the matrix that the model was fitted on, where that had "
                        "no names; as a line of CSV")  # fmt: skip
    parser.add_argument("--description", metavar="TEXT", help="one sentence: what the model predicts")
    parser.add_argument("--classes", metavar="A,B,…", help="names for the classes of a model that numbers them")
    parser.add_argument("--outputs", metavar="A,B,…",
                        help="names for several values or labels of a row, in their order; those of --target unless given")  # fmt: skip
    parser.add_argument("--integer", action="append", default=[], metavar="COLUMN",
                        help="a column of whole numbers whose type in FRAME is float; may be repeated")  # fmt: skip
    parser.add_argument("--text", action="append", default=[], metavar="COLUMN",
                        help="a CSV column that is text though it looks like numbers; may be repeated")  # fmt: skip
    parser.add_argument("--route", action="append", default=[], metavar="PATH",
                        help="a path at which the model answers in its own form; may be repeated")  # fmt: skip
    parser.add_argument("--answer-key", metavar="KEY", help="its own form of an answer: {KEY: value}")
    parser.add_argument("--decimals", type=int, metavar="N", help="places that values are rounded to in that form")
    parser.add_argument("--tolerance", type=float, metavar="X",
                        help="largest difference of a probability, or of a value relative to its size "
                        "(default 1e-5)")  # fmt: skip
    options = parser.parse_args(arguments)
    if options.decimals is not None and options.answer_key is None:
        parser.error("--decimals needs --answer-key")
    return options


def run(options: argparse.Namespace) -> None:
    """Load, export, sum up."""
    answer: dict[str, Any] | None = None
    if options.answer_key is not None:
        answer = {"key": options.answer_key}
        if options.decimals is not None:
            answer["decimals"] = options.decimals
    steps = LateProgress()
    export = export_model(
        load_model(options.model),
        load_frame(options.frame, options.text),
        options.folder,
        target=options.target,
        columns=None if options.columns is None else next(csv.reader([options.columns])),
        description=options.description,
        classes=None if options.classes is None else options.classes.split(","),
        outputs=() if options.outputs is None else next(csv.reader([options.outputs])),
        integers=options.integer,
        routes=options.route,
        answer=answer,
        tolerance=options.tolerance,
        steps=steps,
    )
    steps.stop()
    summary(export)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed with one line on stderr, 2 wrong options, 130 interrupted."""
    options = parse_arguments(arguments)
    if MISSING:
        sys.exit(MISSING)
    return exit_code("export.py", lambda: run(options))


if __name__ == "__main__":
    with_fixed_hashes()
    sys.exit(main())
