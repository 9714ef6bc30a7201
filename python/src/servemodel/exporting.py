"""Writes the version folder of a fitted model.

Shapes in this file: N rows of the frame, F columns that the model takes.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import importlib
import os
import re
import shlex
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from servemodel import convert as conversion
from servemodel import golden
from servemodel.answers import Answers, Form, form_of, library_answers, own_classes
from servemodel.background import background_json
from servemodel.boosters import as_estimator
from servemodel.card import default_card
from servemodel.command_line import Steps, silent
from servemodel.distribution import with_distributions
from servemodel.dropped import filled, only_used, used_columns
from servemodel.documents import creation_date, to_json_document, write_all
from servemodel.edges import edge_frame, jump_frame, large_thresholds, typed
from servemodel.errors import Disagreement, ExportError
from servemodel.frames import to_pandas
from servemodel.graphs import Graph
from servemodel.missing import find_nullable, wrongly_nullable
from servemodel.native import in_library_form, native_categories
from servemodel.parity import (
    DEFAULT_TOLERANCE,
    PROBABILITY_TOLERANCE,
    VALUE_TOLERANCE,
    Agreement,
    Session,
    compare,
    require,
)
from servemodel.prepare import best
from servemodel.quality import measure
from servemodel.result import Export, Metrics
from servemodel.signature import (
    Column,
    column_names,
    describe_columns,
    first_step,
    fitted_names,
    is_whole,
    reads_one_text,
    tensor_plans,
)
from servemodel.tasks import task_of
from servemodel.unanswerable import answerable, require_same_types
from servemodel.walk import final_step, has_trees
from servemodel.walk import library as library_of

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LIBRARIES = {"sklearn": "scikit-learn", "lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}
GOLDEN_ROWS, GOLDEN_EDGES = 22, 12
VECTOR_MARGIN = 10
FIRST = 100
"""Rows by whose answers the form of all is known."""


def _checked_name(folder: Path) -> str:
    """The model's name. Raises ExportError unless the folder can be a version of it."""
    name = folder.resolve().parent.name
    if not MODEL_NAME.fullmatch(name) or not re.fullmatch(r"[1-9]\d{0,8}", folder.name):
        raise ExportError("the folder must be <name>/<version>, with a version from 1 up, like models/churn/1")
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is not a folder")
    return name


def _targets(frame: pd.DataFrame, target: str | Sequence[str] | None) -> list[str]:
    """The columns with the true answers. Raises ExportError for one that the frame doesn't have."""
    if target is None:
        return []
    names = [target] if isinstance(target, str) else [str(name) for name in target]
    if isinstance(target, str) and target not in frame.columns:
        names = next(csv.reader([target]))
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ExportError(f"the rows have no target column {', '.join(missing)}; they have {', '.join(map(str, frame.columns))}")
    return names


def _check_frame(frame: pd.DataFrame) -> None:
    if len(frame) == 0:
        raise ExportError("the frame has no rows")
    if not frame.columns.is_unique:
        raise ExportError("the frame has two columns of one name")


def _version(library: str) -> str:
    # A module of one's own has none.
    return str(getattr(importlib.import_module(library), "__version__", ""))


class Checked(NamedTuple):
    """A graph that gives the library's answers."""

    graph: Graph
    session: Session
    predictions: np.ndarray  # the graph's, on the frame
    columns: list[Column]
    edges: pd.DataFrame
    agreement: Agreement  # on the frame
    edge_agreement: Agreement


def _measured(model: Any, answers: Answers, actual: pd.DataFrame, form: Form) -> Metrics:
    """Quality, where there is a target for each value or label. Raises ExportError where there are some only."""
    wanted = len(form.names) or 1
    if form.task in ("transformation", "quantile-regression"):
        return {}
    if actual.shape[1] != wanted:
        raise ExportError(f"the model gives {wanted} values a row, so --target needs as many columns, or none; it has {actual.shape[1]}")
    return measure(answers, actual, form, own_classes(model, wanted) if hasattr(model, "classes_") else ())


def _wide(columns: list[Column]) -> list[Column]:
    return [replace(column, tensor="double") for column in columns]


def first_checked(
    plans: list[list[Column]], rows: pd.DataFrame, checked: Callable[[list[Column]], Checked], wider: bool, least: float
) -> Checked:
    """The first of these plans, or one in float64 (wider), whose graph gives the library's answers, on the frame's rows [N, F] and others.

    least: a difference above which the one in float64 is preferred, since other rows may differ by more.

    Raises the ExportError of the first plan when there is none, with what to do where numbers are the reason.
    """
    errors: list[ExportError] = []
    for columns in plans:
        try:
            found = checked(columns)
        except ExportError as error:
            errors.append(error)
            continue
        if wider and max(found.agreement.largest, found.edge_agreement.largest) > least:
            try:
                return checked(_wide(columns))
            except ExportError:
                pass
        return found
    if wider and any(isinstance(error, Disagreement) for error in errors):
        # Distances and sums of squares lose in float32 what float64 keeps.
        try:
            return checked(_wide(plans[0]))
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


def _in_words(function: Callable[..., Export]) -> Callable[..., Export]:
    """The function, whose errors are all ExportErrors or the system's: libraries raise any type for what they don't expect."""

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Export:
        try:
            return function(*arguments, **options)
        except (ExportError, OSError):
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            # Wrong arguments are the caller's.
            if error.__traceback__ is None or error.__traceback__.tb_next is None:
                raise
            where = f"{Path(last.filename).name}, line {last.lineno}"
            reason = " ".join(str(error).split())[:300]
            raise ExportError(f"this model can't be exported ({type(error).__name__} in {where}: {reason})") from error

    return called


def _with_gaps(error: ExportError, rows: pd.DataFrame, columns: list[Column]) -> ExportError:
    """The error of a library that doesn't take the rows, with what to do about texts that are missing."""
    gaps = {column.name: int(rows[column.name].isna().sum()) for column in columns if column.is_text}
    found = ", ".join(f"column {name} has {count} missing cells" for name, count in gaps.items() if count > 0)
    advice = "impute them in the pipeline (SimpleImputer before the encoder), or fill them, for example with ''"
    return ExportError(f"{found}, which the model doesn't take: {advice}; {error}") if found else error


@_in_words
def export_model(
    model: Any,
    frame: pd.DataFrame,
    folder: str | Path,
    *,
    also: pd.DataFrame | None = None,
    target: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    description: str | None = None,
    classes: list[str] | None = None,
    outputs: Sequence[str] = (),
    integers: Sequence[str] = (),
    keep: Sequence[str] = (),
    example: Mapping[str, Any] | None = None,
    routes: Sequence[str] = (),
    answer: dict[str, Any] | None = None,
    metrics: Metrics | None = None,
    split: str = "the frame given to the exporter",
    tolerance: float | None = None,
    card: Callable[[Export], str] | None = None,
    version: str | None = None,
    made_up: bool = False,
    steps: Steps = silent,
) -> Export:
    """Write the version folder of a fitted model.

    frame: rows [N, F or more] on which both sides are compared; the model's columns are taken from it.
    also: further rows to compare on, such as a test split; signature and ranges are those of the frame alone.
    target: the column with the true answers, if there is one, or a list of them; quality is then measured on the frame.
    columns: those of the matrix that the model was fitted on, in its order; the frame's may stand in another.
    classes: names for the classes of a model that numbers them, in their order.
    outputs: names for several values or labels of a row, in their order; else those of the targets.
    integers: columns that hold whole numbers only, though their dtype is float.
    keep: columns that the model drops and that stay in the signature, since clients of another version send them.
    example: a typical row for documentation; by default one of the frame.
    routes, answer: paths and form of the model's custom answers, as in models/model.schema.json.
    metrics: quality that was measured elsewhere, in place of the measurement on the frame.
    tolerance: of probabilities, or of values relative to their size (1e-5).
    version: such as churn/1, where the folder is not called so.
    made_up: the frame holds no rows of training: it says nothing about ranges, distributions and quality.
    steps: is called with what is done next.

    Raises ExportError, in one line, and writes nothing, when ONNX Runtime doesn't give the same answers.
    """
    folder = Path(folder)
    name = _checked_name(Path(version) if version else folder)
    frame = to_pandas(frame)
    also = None if also is None else to_pandas(also)
    _check_frame(frame)
    targets = _targets(frame, target)
    model = as_estimator(best(model))
    task = task_of(model)
    if classes is not None and task != "classification":
        raise ExportError(f"a {task} has no classes to name")
    created = creation_date()
    if tolerance is None:
        tolerance = DEFAULT_TOLERANCE
    library = LIBRARIES.get(library_of(model), library_of(model))
    framework = f"{library} {_version(library_of(model))}".strip()

    names = column_names(model, frame, targets, columns)
    used = used_columns(model, names, keep)
    seen = model if used == names else only_used(model, names)
    rows = frame[used].reset_index(drop=True)
    last = final_step(model)
    native = native_categories(last, rows, first_step(model) is last)
    described = describe_columns(seen, rows, list(integers), native)
    if reads_one_text(model) and not described[0].is_text:
        raise ExportError(f"column {described[0].name} holds no texts")
    rows = typed(rows, described)
    if also is not None:
        column_names(model, also, targets, columns)
        rows = pd.concat([rows, typed(also[used], described)], ignore_index=True)

    def asked(some: pd.DataFrame, what: str, ask: Callable[[pd.DataFrame], Any]) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                own = in_library_form(some, native.categories) if native.typed else some
                return ask(filled(own, frame, names))
        except ExportError:
            raise
        # Each library has errors of its own for values that it doesn't take.
        except Exception as error:
            reason = " ".join(str(error).split())[:300].rstrip(".")
            raise ExportError(f"{library} can't answer {what}: {reason}") from error

    def expected(some: pd.DataFrame, what: str = "the frame") -> Answers:
        return cast(Answers, asked(some, what, lambda own: library_answers(model, own, form)))

    steps("asking the library")
    try:
        form = asked(rows.iloc[:FIRST], "the frame", lambda own: form_of(model, own, task, classes, outputs, targets))
        answers = expected(rows)
    except ExportError as error:
        raise _with_gaps(error, rows, described) from error
    require_same_types(frame[names], answers, lambda some: library_answers(model, some, form))

    def checked(columns: list[Column]) -> Checked:
        steps("converting to ONNX")
        graph = conversion.convert(seen, columns, rows, name, form)
        steps("comparing ONNX Runtime with the library")
        if classes is not None:
            numbers = [int(number) for number in getattr(model, "classes_", range(len(classes)))]
            conversion.name_classes(graph.proto, numbers, classes)
        session = Session(graph, columns)
        given = session.answer(rows)
        agreement = compare(answers, given, tolerance)
        require(agreement, tolerance, library, rows)
        columns = find_nullable(seen, columns, rows, expected, session, tolerance)
        while True:
            edges = edge_frame(columns, rows, large_thresholds(graph))
            edges = pd.concat([edges, jump_frame(columns, rows, expected)], ignore_index=True)
            edges = answerable(lambda some: expected(some, "rows with unknown or extreme values"), session, edges)
            edge_answers = expected(edges, "rows with unknown or extreme values")
            # A made-up text without a known word has no clear label: either is accepted. The frame's ties are differences.
            edge_agreement = compare(edge_answers, session.answer(edges), tolerance, accept_ties=True)
            wrong = wrongly_nullable(columns, rows, edges, edge_agreement)
            if not wrong:
                break
            columns = [replace(column, nullable=column.nullable and column.name not in wrong) for column in columns]
        require(edge_agreement, tolerance, library, edges, "generated edge rows", made_up=True)
        return Checked(graph, session, given.predictions, columns, edges, agreement, edge_agreement)

    graph, session, predictions, described, edges, agreement, edge_agreement = first_checked(
        tensor_plans(described, rows), rows, checked, wider=not has_trees(model),
        # In a vector some value is always near 0, where a difference of large terms loses digits.
        least=tolerance / VECTOR_MARGIN if form.task == "transformation" else tolerance,
    )  # fmt: skip

    if made_up:
        described = [replace(column, range=None) for column in described]
    measured = dict(metrics or {})
    if targets and metrics is None:
        actual = pd.concat([frame[targets], *([] if also is None else [also[targets]])], ignore_index=True)
        measured = _measured(model, answers, actual, form)
        measured |= {"rows": len(rows), "split": split} if measured else {}

    samples = golden.sample(described, rows, answers, edges, GOLDEN_ROWS, GOLDEN_EDGES)
    sample_answers = expected(samples)
    # Always by the server's own tolerance.
    strict = PROBABILITY_TOLERANCE if answers.absolute else VALUE_TOLERANCE
    kept = golden.clear(sample_answers)
    kept[list(compare(sample_answers, session.answer(samples), strict).beyond)] = False
    samples = samples[kept].reset_index(drop=True)
    if len(samples) == 0:
        raise ExportError(f"no row gives a clear answer within {strict:g}, which a server checks at every load")

    content = graph.content()
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    shown = golden.example(described, rows, answers) if example is None else example
    inputs = [
        column.entry(tensor.name, shown.get(column.name))
        for column, tensor in zip(described, graph.proto.graph.input, strict=True)
    ]
    said = description or f"{type(final_step(model)).__name__} on {len(described)} columns."
    members: dict[str, Any] = {
        "description": said,
        "task": form.task,
        "framework": framework,
        "created": created,
        "sha256": digest.hexdigest(),
        "inputs": inputs,
        "outputs": form.outputs([output.name for output in graph.proto.graph.output]),
    }
    # From the frame alone, like types and ranges.
    if not made_up:
        members = with_distributions(members, rows.iloc[: len(frame)], predictions[: len(frame)])
    if measured:
        members["metrics"] = measured
    if routes:
        members["routes"] = list(routes)
    if answer is not None:
        members["answer"] = answer
    result = Export(
        folder=folder, sha256=digest.hexdigest(), size=sum(map(len, content)), columns=described, agreement=agreement, edges=edge_agreement,
        tolerance=tolerance, metrics=measured, task=form.task, framework=framework, by_position=fitted_names(model) is None,
        parts=graph.parts,
    )  # fmt: skip
    text = card(result) if card else default_card(f"{name}, version {Path(version or folder).name}", result, said)
    # A text alone is one column, which has the whole contribution.
    compared = None if made_up or reads_one_text(model) else background_json(described, rows.iloc[: len(frame)])
    write_all(
        {
            **({} if compared is None else {folder / "background.json": compared}),
            folder / "model.onnx": content,
            folder / "model.json": to_json_document(members, listed=["inputs"]),
            folder / "golden.json": golden.golden_json(described, samples, expected(samples), form),
            folder / "CARD.md": text.encode(),
        }
    )
    return result


def summary(export: Export) -> None:
    """What was written, as the scripts print it."""
    for key, value in export.metrics.items():
        print(f"{key.replace('_', ' '):<32}{f'{value:.6f}' if isinstance(value, float) else value}")
    print(f"{'rows with the same answers':<32}{export.agreement.rows:,} and {export.edges.rows:,} edge rows")
    print(f"{'largest difference':<32}{max(export.agreement.largest, export.edges.largest):.1e}")
    nullable = ", ".join(column.name for column in export.columns if column.nullable)
    if export.parts:
        print(f"{'checked in ONNX Runtime':<32}{export.parts} parts of whole trees, whose answers were added up in the file's order")
    print(f"{'columns that may be missing':<32}{nullable or 'none'}")
    if export.by_position:
        print(f"{'names are taken by position':<32}{', '.join(column.name for column in export.columns)}")
    print(f"{'model.onnx':<32}{export.size:,} bytes, sha256 {export.sha256}")
    print(f"{'written':<32}{export.folder}")
