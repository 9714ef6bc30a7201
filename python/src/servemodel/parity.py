"""The training library's answers against ONNX Runtime's.

Shapes: N rows, k classes. Probabilities lie in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import helper
from sklearn.base import is_classifier

from servemodel.errors import Disagreement, ExportError
from servemodel.graphs import Graph, Runner
from servemodel.signature import JSON_INTEGERS, Column, fitted_names, reads_one_text

DEFAULT_TOLERANCE = 1e-5
"""Of an export: of a probability, or of a value relative to its size. Labels must be equal."""
PROBABILITY_TOLERANCE = 1e-6
VALUE_TOLERANCE = 1e-5
"""Relative to the value's size, from 1 up."""

SHOWN = 3
"""Rows that a refusal names."""

TIE = 1e-6
"""Two classes whose probabilities are closer have no order in float32."""


@dataclass(frozen=True)
class Answers:
    """Labels as texts or values [N], and the probabilities [N, k] of a classification."""

    predictions: np.ndarray
    probabilities: np.ndarray | None


@dataclass(frozen=True)
class Agreement:
    """How far ONNX Runtime is from the training library."""

    rows: int
    label_differences: tuple[int, ...]  # rows
    beyond: tuple[int, ...]  # rows whose probability or value is beyond the tolerance
    largest: float  # difference: of a probability, or of a value relative to its size
    largest_row: int
    ties: bool  # whether all label differences are rows with no clear winner

    @property
    def complete(self) -> bool:
        return not self.label_differences and not self.beyond


Label = str | int | float | bool


def label_text(label: Any) -> str:
    """A label in one spelling, whether the library gives it or the graph: True, 1 and 1.0 are all "1"."""
    return label if isinstance(label, str) else str(int(label))


def class_names(model: Any, names: list[str] | None) -> list[Label]:
    """The classes in the order of the probabilities, as model.json names them."""
    if isinstance(model.classes_, list):
        raise ExportError("the model gives more than one label a row; export a model for each of them")
    classes = list(model.classes_)
    if names is not None:
        if any(isinstance(value, str) for value in classes):
            own = ", ".join(map(repr, map(str, classes[:5]))) + (", …" if len(classes) > 5 else "")
            raise ExportError(f"names for classes are for a model that numbers them; this one's are texts: {own}")
        if len(names) != len(classes):
            raise ExportError(f"{len(names)} class names for the {len(classes)} classes of the model")
        return list(names)
    if all(isinstance(value, str) for value in classes):
        return [str(value) for value in classes]
    if all(isinstance(value, (bool, np.bool_)) for value in classes):
        return [bool(value) for value in classes]
    if all(float(value).is_integer() for value in classes):
        large = [int(value) for value in classes if abs(int(value)) > JSON_INTEGERS]
        if large:
            raise ExportError(f"class {large[0]} is beyond 2^53 - 1, so JSON can't carry it; name the classes with --classes")
        # A float stays one: 1.0 is written so.
        return [float(value) if isinstance(value, (float, np.floating)) else int(value) for value in classes]
    raise ExportError("the model's classes are neither texts nor whole numbers; name them with --classes")


def library_input(model: Any, frame: pd.DataFrame) -> Any:
    """The rows in the form in which the model was fitted."""
    if reads_one_text(model):
        return frame.iloc[:, 0]
    return frame.to_numpy() if fitted_names(model) is None else frame


def library_answers(model: Any, frame: pd.DataFrame, classes: list[Label] | None) -> Answers:
    """The training library's own answers, to the original float64 values."""
    rows = library_input(model, frame)
    if not is_classifier(model):
        values = np.asarray(model.predict(rows), dtype="float64")
        if values.size != len(frame):
            raise ExportError("the model predicts more than one value a row")
        return Answers(values.reshape(-1), None)
    positions = np.searchsorted(model.classes_, np.ravel(model.predict(rows)))
    names = np.array([label_text(name) for name in classes or []], dtype=object)
    return Answers(names[positions], np.asarray(model.predict_proba(rows), dtype="float64"))


def feeds(graph: onnx.ModelProto, columns: list[Column], frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Tensors [N, 1] by graph input."""
    # By position: skl2onnx rewrites names ("education-num" becomes "education_num").
    return {
        graph_input.name: (
            _texts(frame[column.name], column)
            if column.is_text
            else frame[column.name].to_numpy(helper.tensor_dtype_to_np_dtype(graph_input.type.tensor_type.elem_type))
        ).reshape(-1, 1)
        for column, graph_input in zip(columns, graph.graph.input, strict=True)
    }


def _fault(what: str) -> str:
    return f"ONNX Runtime can't {what} the ONNX form of this model: put another estimator in its place"


def _texts(values: pd.Series, column: Column) -> np.ndarray:
    """Texts [N] as the server sends them."""
    texts = values.to_numpy(object)
    return texts if column.missing is None else np.where(values.isna(), column.missing, texts)


class Session:
    """A graph in ONNX Runtime."""

    def __init__(self, graph: Graph, columns: list[Column]) -> None:
        self._graph, self._columns = graph.proto, columns
        try:
            self._runner = Runner(graph)
        except Exception as error:
            raise ExportError(_fault("load")) from error

    def answer(self, frame: pd.DataFrame) -> Answers:
        names = [output.name for output in self._graph.graph.output]
        try:
            first, *more = self._runner.run(names, feeds(self._graph, self._columns, frame))
        except Exception as error:
            raise ExportError(_fault("run")) from error
        if more:
            return Answers(np.array([label_text(label) for label in first.reshape(-1)], dtype=object), more[0])
        return Answers(first.reshape(-1).astype("float64"), None)


def compare(library: Answers, onnx_answers: Answers, tolerance: float, accept_ties: bool = False) -> Agreement:
    """Row by row: labels must be equal; probabilities or values within the tolerance.

    accept_ties: where two classes are equally probable, either label is accepted.
    """
    rows = len(library.predictions)
    if library.probabilities is None:
        wanted, got = library.predictions, onnx_answers.predictions
        distance = np.abs(got - wanted) / np.maximum(1, np.abs(wanted))
        # Neither is a number: a server sends neither.
        distance[(got == wanted) | (np.isnan(got) & np.isnan(wanted))] = 0
        labels = np.zeros(rows, dtype=bool)
        ties = False
    else:
        if onnx_answers.probabilities is None or onnx_answers.probabilities.shape != library.probabilities.shape:
            raise ExportError("the exported graph gives no probability for each class")
        distance = np.abs(onnx_answers.probabilities - library.probabilities).max(axis=1)
        labels = library.predictions != onnx_answers.predictions
        best = np.sort(library.probabilities, axis=1)
        tied = best[:, -1] - best[:, -2] < TIE
        labels &= ~(tied & accept_ties)
        ties = bool(labels.any() and tied[labels].all())
    # A NaN on one side only is a difference; comparisons with NaN are always false.
    distance = np.where(np.isnan(distance), np.inf, distance)
    return Agreement(
        rows=rows,
        label_differences=tuple(int(row) for row in np.flatnonzero(labels)),
        beyond=tuple(int(row) for row in np.flatnonzero(distance > tolerance)),
        largest=float(distance.max(initial=0)),
        largest_row=int(distance.argmax()) if rows else 0,
        ties=ties,
    )


def _named(rows: tuple[int, ...]) -> str:
    shown = ", ".join(str(row) for row in rows[:SHOWN])
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{', …' if len(rows) > SHOWN else ''}"


def require(
    agreement: Agreement, tolerance: float, library: str, frame: pd.DataFrame, what: str = "the frame", made_up: bool = False
) -> None:
    """Refuse a model whose ONNX form and training library give different answers.

    made_up: the user doesn't have these rows, so the message holds the first one that differs.
    Raises Disagreement naming the rows, counted from 0.
    """
    if agreement.complete:
        return
    parts = []
    if agreement.label_differences:
        count = len(agreement.label_differences)
        parts.append(f"another label in {count} of {agreement.rows} ({_named(agreement.label_differences)})")
    if agreement.beyond:
        parts.append(
            f"a difference above {tolerance:g} in {len(agreement.beyond)} of {agreement.rows} "
            f"({_named(agreement.beyond)}), the largest {agreement.largest:.1e} in row {agreement.largest_row}"
        )
    hint = "; docs/what-can-be-served.md lists what gives equal answers"
    if not agreement.label_differences and np.isfinite(agreement.largest) and agreement.largest < 0.1:
        # Rounded up to one digit.
        step = 10.0 ** np.floor(np.log10(agreement.largest))
        hint = f"; --tolerance {np.ceil(agreement.largest / step * 1.01) * step:.0e} accepts it, since all labels are equal"
    if agreement.ties:
        hint = "; these rows are ties: no class is the most probable (a forest with an odd number of trees has fewer)"
    differing = [*agreement.label_differences, *agreement.beyond]
    if made_up:
        cells = ", ".join(f"{name}: {str(value)[:40]!r}" for name, value in frame.iloc[differing[0]].items())
        hint += f"; row {differing[0]} is {cells[:400]}"
    raise Disagreement(
        f"ONNX Runtime doesn't give {library}'s answers on {what}: {'; '.join(parts)}{hint}; nothing was written",
        frame.iloc[differing],
    )
