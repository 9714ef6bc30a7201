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

from servemodel.answers import Answers, label_text
from servemodel.errors import Disagreement, ExportError
from servemodel.graphs import Graph, Runner
from servemodel.signature import Column

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
class Agreement:
    """How far ONNX Runtime is from the training library."""

    rows: int
    label_differences: tuple[int, ...]  # rows
    beyond: tuple[int, ...]  # rows of which a number is beyond the tolerance
    largest: float  # difference: of a probability, or of another number relative to its size
    largest_row: int
    ties: bool  # whether all label differences are rows with no clear winner

    @property
    def complete(self) -> bool:
        return not self.label_differences and not self.beyond


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
            found = self._runner.run(names, feeds(self._graph, self._columns, frame))
        except Exception as error:
            raise ExportError(_fault("run")) from error
        tables = [np.asarray(one).reshape(len(frame), -1) for one in found]
        labels, numbers = np.empty((len(frame), 0), dtype=object), np.empty((len(frame), 0))
        for table in tables:
            if table.dtype.kind == "f":
                numbers = table
            else:
                texts = [label_text(label) for label in table.reshape(-1)]
                labels = np.array(texts, dtype=object).reshape(table.shape)
        return Answers(labels, numbers)


def compare(library: Answers, onnx_answers: Answers, tolerance: float, accept_ties: bool = False) -> Agreement:
    """Row by row: labels must be equal; probabilities, or values relative to their size, within the tolerance.

    accept_ties: where two labels are equally right, either is accepted.
    """
    rows = len(library.labels)
    wanted, got = library.numbers, onnx_answers.numbers.astype("float64")
    if got.shape != wanted.shape or onnx_answers.labels.shape != library.labels.shape:
        raise ExportError("the exported graph gives other outputs than the library: put another estimator in its place")
    distance = np.abs(got - wanted)
    if not library.absolute:
        distance /= np.maximum(1, np.abs(wanted))
    # Neither is a number: a server sends neither.
    distance[(got == wanted) | (np.isnan(got) & np.isnan(wanted))] = 0
    labels = (library.labels != onnx_answers.labels).any(axis=1)
    tied = np.zeros(rows, dtype=bool) if library.clear is None else library.clear < TIE
    labels &= ~(tied & accept_ties)
    ties = bool(labels.any() and tied[labels].all())
    # A NaN on one side only is a difference; comparisons with NaN are always false.
    distance = np.where(np.isnan(distance), np.inf, distance).max(axis=1, initial=0)
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
        hint = "; these rows are ties: two labels are equally right (a forest with an odd number of trees has fewer)"
    differing = [*agreement.label_differences, *agreement.beyond]
    if made_up:
        cells = ", ".join(f"{name}: {str(value)[:40]!r}" for name, value in frame.iloc[differing[0]].items())
        hint += f"; row {differing[0]} is {cells[:400]}"
    raise Disagreement(
        f"ONNX Runtime doesn't give {library}'s answers on {what}: {'; '.join(parts)}{hint}; nothing was written",
        frame.iloc[differing],
    )
