#!/usr/bin/env python3
"""Export a fitted scikit-learn, LightGBM or XGBoost model as a version folder that the server serves.

Writes model.onnx, model.json, golden.json and CARD.md, and only after ONNX Runtime has given the training library's
answers on every row of the frame and on generated edge rows (unknown categories, missing values, odd texts).

As a module:

    from export import export_model
    export_model(pipeline, frame, "models/churn/1", target="churned")

Shapes in this file: N rows of the frame, F columns that the model takes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parent))

from exporter.command_line import ArgumentParser, HelpFormatter, exit_code, with_fixed_hashes
from exporter.errors import Disagreement, ExportError

# --help needs none of these packages.
MISSING = ""
try:
    import onnx
    import pandas as pd
    from sklearn.base import BaseEstimator, is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    from exporter import convert as conversion
    from exporter import golden
    from exporter.card import default_card
    from exporter.distribution import with_distributions
    from exporter.documents import creation_date, to_json_document, write_all
    from exporter.edges import edge_frame, jump_frame, large_thresholds, typed
    from exporter.missing import find_nullable
    from exporter.parity import (
        PROBABILITY_TOLERANCE,
        VALUE_TOLERANCE,
        Agreement,
        Answers,
        Session,
        library_answers,
        class_names,
        compare,
        require,
    )
    from exporter.quality import measure
    from exporter.result import Export, Metrics
    from exporter.signature import Column, column_names, describe_columns, fitted_names, is_whole, reads_one_text, tensor_plans
    from exporter.sources import load_frame, load_model
except ImportError as error:
    if __name__ != "__main__":
        raise
    MISSING = f"{error}; install the packages with: pip install -r scripts/models/requirements.txt"

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LIBRARIES = {"sklearn": "scikit-learn", "lightgbm": "LightGBM", "xgboost": "XGBoost"}
GOLDEN_ROWS, GOLDEN_EDGES = 22, 12


def _checked_name(folder: Path) -> str:
    """The model's name. Raises ExportError unless the folder can be a version of it."""
    name = folder.resolve().parent.name
    if not MODEL_NAME.fullmatch(name) or not re.fullmatch(r"[1-9]\d{0,8}", folder.name):
        raise ExportError("the folder must be <name>/<version>, with a version from 1 up, like models/churn/1")
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is not a folder")
    return name


def _with_text_names(frame: Any) -> pd.DataFrame:
    """A copy whose columns are named by texts."""
    if not isinstance(frame, pd.DataFrame):
        raise ExportError(
            f"the frame is no pandas DataFrame but of type {type(frame).__name__}: give one whose columns have the "
            "names by which clients will send them"
        )
    return frame.rename(columns=str)


def _check_frame(frame: pd.DataFrame, target: str | None) -> None:
    if len(frame) == 0:
        raise ExportError("the frame has no rows")
    if not frame.columns.is_unique:
        raise ExportError("the frame has two columns of one name")
    if target is not None and target not in frame.columns:
        raise ExportError(f"the frame has no target column {target}")


def _fitted(model: Any) -> str:
    """The task of a fitted model."""
    if not isinstance(model, BaseEstimator):
        raise ExportError(f"a {type(model).__name__} is no fitted scikit-learn model or pipeline")
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ExportError("the model isn't fitted") from None
    if is_classifier(model):
        if not hasattr(model, "predict_proba"):
            raise ExportError("the model gives no probabilities (predict_proba)")
        return "classification"
    if is_regressor(model):
        return "regression"
    raise ExportError(f"{type(conversion.final_step(model)).__name__} is neither a classifier nor a regressor")


def _version(library: str) -> str:
    return str(importlib.import_module(library).__version__)


class Checked(NamedTuple):
    """A graph that gives the library's answers."""

    graph: onnx.ModelProto
    session: Session
    columns: list[Column]
    edges: pd.DataFrame
    agreement: Agreement  # on the frame
    edge_agreement: Agreement


def first_checked(plans: list[list[Column]], rows: pd.DataFrame, checked: Callable[[list[Column]], Checked]) -> Checked:
    """The first of these plans whose graph gives the library's answers, on the frame's rows [N, F] and others.

    Raises the ExportError of the first plan when there is none, with what to do where numbers are the reason.
    """
    errors: list[ExportError] = []
    for columns in plans:
        try:
            return checked(columns)
        except ExportError as error:
            errors.append(error)
    error = next((error for error in errors if isinstance(error, Disagreement)), errors[0])
    advice = advise(plans[0], rows, error)
    if advice:
        raise ExportError(f"{error}; note that {advice}") from error
    raise error


def advise(columns: list[Column], rows: pd.DataFrame, error: ExportError) -> str:
    """What to do about columns of the frame's rows whose numbers may be the reason of an error; "" without such columns."""
    fine = [column.name for column in columns if column.is_fine]
    if fine:
        return (
            f"{', '.join(fine)} has more digits than float32 holds, in which a graph computes: subtract an offset before "
            "training (seconds since a day of your data)"
        )
    large = [column.name for column in columns if column.is_large]
    if large:
        return (
            f"{', '.join(large)} has whole numbers beyond 2^24 = 16,777,216, which fall together where a graph computes in "
            "float32: train on smaller ones (seconds since a day of your data, ids numbered from 0)"
        )
    differing = error.rows if isinstance(error, Disagreement) else rows.iloc[:0]
    cut = [
        column.name
        for column in columns
        if column.type == "number" and is_whole(rows[column.name]) and not is_whole(differing[column.name])
    ]
    if cut:
        options = " ".join(f"--integer {shlex.quote(name)}" for name in cut)
        return f"{', '.join(cut)} has whole numbers only: with {options} the server refuses fractions"
    return ""


def export_model(
    model: Any,
    frame: pd.DataFrame,
    folder: str | Path,
    *,
    also: pd.DataFrame | None = None,
    target: str | None = None,
    columns: Sequence[str] | None = None,
    description: str | None = None,
    classes: list[str] | None = None,
    integers: Sequence[str] = (),
    example: Mapping[str, Any] | None = None,
    routes: Sequence[str] = (),
    answer: dict[str, Any] | None = None,
    metrics: Metrics | None = None,
    split: str = "the frame given to the exporter",
    tolerance: float | None = None,
    card: Callable[[Export], str] | None = None,
) -> Export:
    """Write the version folder of a fitted model.

    frame: rows [N, F or more] on which both sides are compared; the model's columns are taken from it.
    also: further rows to compare on, such as a test split; signature and ranges are those of the frame alone.
    target: the column with the true answers, if there is one; quality is then measured on the frame.
    columns: those of the matrix that the model was fitted on, in its order; the frame's may stand in another.
    classes: names for the classes of a model that numbers them, in their order.
    integers: columns that hold whole numbers only, though their dtype is float.
    example: a typical row for documentation; by default one of the frame.
    routes, answer: paths and form of the model's custom answers, as in models/model.schema.json.
    metrics: quality that was measured elsewhere, in place of the measurement on the frame.
    tolerance: of probabilities (1e-6), or of values relative to their size (1e-5).

    Raises ExportError, in one line, and writes nothing, when ONNX Runtime doesn't give the same answers.
    """
    folder = Path(folder)
    name = _checked_name(folder)
    frame = _with_text_names(frame)
    also = None if also is None else _with_text_names(also)
    _check_frame(frame, target)
    task = _fitted(model)
    if classes is not None and task != "classification":
        raise ExportError("a regression has no classes to name")
    created = creation_date()
    if tolerance is None:
        tolerance = PROBABILITY_TOLERANCE if task == "classification" else VALUE_TOLERANCE
    library = LIBRARIES.get(conversion.library(model), conversion.library(model))
    framework = f"{library} {_version(conversion.library(model))}"

    names = column_names(model, frame, target, columns)
    rows = frame[names].reset_index(drop=True)
    described = describe_columns(model, rows, list(integers))
    if reads_one_text(model) and not described[0].is_text:
        raise ExportError(f"column {described[0].name} holds no texts")
    rows = typed(rows, described)
    if also is not None:
        column_names(model, also, target, columns)
        rows = pd.concat([rows, typed(also[names], described)], ignore_index=True)
    labels = class_names(model, classes) if task == "classification" else None

    def expected(some: pd.DataFrame, what: str = "the frame") -> Answers:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return library_answers(model, some, labels)
        except ExportError:
            raise
        # Each library has errors of its own for values that it doesn't take.
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise ExportError(f"{library} can't answer {what}: {reason}") from error

    answers = expected(rows)

    def checked(columns: list[Column]) -> Checked:
        graph = conversion.convert(model, columns, rows, name)
        if classes is not None:
            conversion.name_classes(graph, [int(number) for number in model.classes_], classes)
        session = Session(graph, columns)
        agreement = compare(answers, session.answer(rows), tolerance)
        require(agreement, tolerance, library, rows)
        columns = find_nullable(columns, rows, expected, session, tolerance)
        edges = edge_frame(columns, rows, large_thresholds(graph))
        edges = pd.concat([edges, jump_frame(columns, rows, expected)], ignore_index=True)
        edge_answers = expected(edges, "rows with unknown or extreme values")
        # A made-up text without a known word has no clear label: either is accepted. The frame's ties are differences.
        edge_agreement = compare(edge_answers, session.answer(edges), tolerance, accept_ties=True)
        require(edge_agreement, tolerance, library, edges, "generated edge rows", made_up=True)
        return Checked(graph, session, columns, edges, agreement, edge_agreement)

    graph, session, described, edges, agreement, edge_agreement = first_checked(
        tensor_plans(described, rows), rows, checked
    )

    measured = dict(metrics or {})
    if target is not None and metrics is None:
        actual = pd.concat([frame[target], *([] if also is None else [also[target]])], ignore_index=True)
        measured = {**measure(answers, actual, labels, getattr(model, "classes_", ())), "rows": len(rows), "split": split}

    samples = golden.sample(described, rows, answers, edges, GOLDEN_ROWS, GOLDEN_EDGES)
    sample_answers = expected(samples)
    # Always by the server's own tolerance.
    strict = PROBABILITY_TOLERANCE if task == "classification" else VALUE_TOLERANCE
    kept = golden.clear(sample_answers)
    kept[list(compare(sample_answers, session.answer(samples), strict).beyond)] = False
    samples = samples[kept].reset_index(drop=True)

    content = graph.SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    outputs = [output.name for output in graph.graph.output]
    shown = golden.example(described, rows, answers) if example is None else example
    inputs = [
        column.entry(tensor.name, shown.get(column.name))
        for column, tensor in zip(described, graph.graph.input, strict=True)
    ]
    said = description or f"{type(conversion.final_step(model)).__name__} on {len(described)} columns."
    members: dict[str, Any] = {
        "description": said,
        "task": task,
        "framework": framework,
        "created": created,
        "sha256": digest,
        "inputs": inputs,
        "outputs": {
            "label": outputs[0],
            "probabilities": outputs[1],
            "classes": labels,
            **({"floatClasses": True} if any(isinstance(label, float) for label in labels) else {}),
        }
        if labels is not None
        else {"value": outputs[0]},
    }
    # From the frame alone, like types and ranges.
    own_rows = rows.iloc[: len(frame)]
    members = with_distributions(members, own_rows, session.answer(own_rows).predictions)
    if measured:
        members["metrics"] = measured
    if routes:
        members["routes"] = list(routes)
    if answer is not None:
        members["answer"] = answer
    result = Export(
        folder=folder, sha256=digest, size=len(content), columns=described, agreement=agreement, edges=edge_agreement,
        tolerance=tolerance, metrics=measured, task=task, framework=framework, by_position=fitted_names(model) is None,
    )  # fmt: skip
    text = card(result) if card else default_card(f"{name}, version {folder.name}", result, said)
    write_all(
        {
            folder / "model.onnx": content,
            folder / "model.json": to_json_document(members, listed=["inputs"]),
            folder / "golden.json": golden.golden_json(described, samples, expected(samples), labels),
            folder / "CARD.md": text.encode(),
        }
    )
    return result


# --- command line -------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options from the command line; every path may be relative to the current directory."""
    parser = ArgumentParser(
        prog="npm run export --",
        formatter_class=HelpFormatter,
        description="Export a fitted scikit-learn, LightGBM or XGBoost model as a version folder (model.onnx, "
        "model.json, golden.json, CARD.md), once ONNX Runtime gives its answers on every row of the frame.",
        epilog="A joblib or pickle file runs the code that is in it: load only files that you trust. Python 3.11 or "
        "newer with the packages of scripts/models/requirements.txt is needed; .venv/ of the project is used where it is.",
    )
    parser.add_argument("model", metavar="MODEL",
                        help="joblib or pickle file with the fitted model, or package.module:name")  # fmt: skip
    parser.add_argument("frame", type=Path, metavar="FRAME", help="rows to compare on: .csv, .csv.gz or .parquet")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="version folder to write, such as models/churn/1")
    parser.add_argument("--target", metavar="COLUMN", help="column of FRAME with the true answers: quality is measured")
    parser.add_argument("--columns", metavar="A,B,…",
                        help="the columns of FRAME in the order of the matrix that the model was fitted on, where that had "
                        "no names; as a line of CSV")  # fmt: skip
    parser.add_argument("--description", metavar="TEXT", help="one sentence: what the model predicts")
    parser.add_argument("--classes", metavar="A,B,…", help="names for the classes of a model that numbers them")
    parser.add_argument("--integer", action="append", default=[], metavar="COLUMN",
                        help="a column of whole numbers whose type in FRAME is float; may be repeated")  # fmt: skip
    parser.add_argument("--text", action="append", default=[], metavar="COLUMN",
                        help="a CSV column that is text though it looks like numbers; may be repeated")  # fmt: skip
    parser.add_argument("--route", action="append", default=[], metavar="PATH",
                        help="a path at which the model answers in its own form; may be repeated")  # fmt: skip
    parser.add_argument("--answer-key", metavar="KEY", help="its own form of an answer: {KEY: value}")
    parser.add_argument("--decimals", type=int, metavar="N", help="places that values are rounded to in that form")
    parser.add_argument("--tolerance", type=float, metavar="X",
                        help="largest difference of a probability (default 1e-6), or of a value relative to its size "
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
    export = export_model(
        load_model(options.model),
        load_frame(options.frame, options.text),
        options.folder,
        target=options.target,
        columns=None if options.columns is None else next(csv.reader([options.columns])),
        description=options.description,
        classes=None if options.classes is None else options.classes.split(","),
        integers=options.integer,
        routes=options.route,
        answer=answer,
        tolerance=options.tolerance,
    )
    summary(export)


def summary(export: Export) -> None:
    """What was written, as the scripts print it."""
    for key, value in export.metrics.items():
        print(f"{key.replace('_', ' '):<32}{f'{value:.6f}' if isinstance(value, float) else value}")
    print(f"{'rows with the same answers':<32}{export.agreement.rows:,} and {export.edges.rows:,} edge rows")
    print(f"{'largest difference':<32}{max(export.agreement.largest, export.edges.largest):.1e}")
    nullable = ", ".join(column.name for column in export.columns if column.nullable)
    print(f"{'columns that may be missing':<32}{nullable or 'none'}")
    if export.by_position:
        print(f"{'names are taken by position':<32}{', '.join(column.name for column in export.columns)}")
    print(f"{'model.onnx':<32}{export.size:,} bytes, sha256 {export.sha256}")
    print(f"{'written':<32}{export.folder}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed with one line on stderr, 2 wrong options, 130 interrupted."""
    options = parse_arguments(arguments)
    if MISSING:
        sys.exit(MISSING)
    return exit_code("export.py", lambda: run(options))


if __name__ == "__main__":
    with_fixed_hashes()
    sys.exit(main())
