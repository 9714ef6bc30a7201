"""Rows with the training library's answers, which the server verifies at every load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from servemodel.documents import SIGNIFICANT_DIGITS, significant, to_json_document
from servemodel.parity import Answers, Label, label_text
from servemodel.signature import Column

TIE_MARGIN = 1e-3
"""A row closer to a tie could flip in float32 without anything being wrong."""
MAX_TEXT = 2000
"""Longer texts are compared at export, but would only swell the file."""


def to_cell(value: Any, column: Column) -> Any:
    """A cell of a frame as JSON has it; None for a missing one."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if column.type == "string":
        return str(value)
    if column.type == "boolean":
        return bool(value)
    number = float(value)
    return int(number) if column.type == "integer" or number.is_integer() else number


def spread(scores: np.ndarray, count: int) -> list[int]:
    """Indexes of up to `count` rows whose scores [N] lie nearest to evenly spaced points."""
    chosen: list[int] = []
    for point in np.linspace(scores.min(), scores.max(), count):
        # Of equally near rows the first one: not the one that differs in the last bits.
        nearest = int(np.abs(scores - point).round(SIGNIFICANT_DIGITS).argmin())
        if nearest not in chosen:
            chosen.append(nearest)
    return chosen


def real_rows(answers: Answers, count: int) -> list[int]:
    """Rows over the whole range of answers: of each class, or of values."""
    if answers.probabilities is None:
        return spread(answers.predictions, count)
    classes = answers.probabilities.shape[1]
    if classes == 2:
        return spread(answers.probabilities[:, 1], count)
    each = max(2, count // classes)
    return list(dict.fromkeys(row for k in range(classes) for row in spread(answers.probabilities[:, k], each)))


def clear(answers: Answers) -> np.ndarray:
    """Whether rows [N] have a clear answer."""
    if answers.probabilities is None:
        return np.isfinite(answers.predictions)
    best = np.sort(answers.probabilities, axis=1)
    return best[:, -1] - best[:, -2] > TIE_MARGIN


def choose_edges(columns: list[Column], edges: pd.DataFrame, count: int) -> list[int]:
    """Indexes of edge rows: evenly from all of them, without very long texts."""
    texts = [column.name for column in columns if column.is_text]
    # Of a missing text the length is NaN.
    long = edges[texts].apply(lambda cells: cells.str.len().gt(MAX_TEXT)).any(axis=1).to_numpy(bool)
    short = np.flatnonzero(~long).tolist()
    step = max(1, len(short) // count)
    return short[::step][:count]


def example(columns: list[Column], frame: pd.DataFrame, answers: Answers) -> dict[str, Any]:
    """A row of the frame with a median answer, as the example of the documentation. Missing cells are left out."""
    rows = real_rows(answers, 3)
    row = frame.iloc[rows[len(rows) // 2]]
    cells = {column.name: to_cell(row[column.name], column) for column in columns}
    return {name: cell for name, cell in cells.items() if cell is not None}


def sample(
    columns: list[Column], frame: pd.DataFrame, answers: Answers, edges: pd.DataFrame, real: int, made_up: int
) -> pd.DataFrame:
    """[M, F] rows of the frame over the whole range of its answers, then edge rows."""
    chosen = [frame.iloc[real_rows(answers, real)], edges.iloc[choose_edges(columns, edges, made_up)]]
    return pd.concat(chosen, ignore_index=True)


def golden_json(columns: list[Column], rows: pd.DataFrame, answers: Answers, classes: list[Label] | None) -> bytes:
    """golden.json of these rows [N, F] and the answers to them."""
    data = [[to_cell(row[column.name], column) for column in columns] for row in rows.to_dict("records")]
    members: dict[str, Any] = {"columns": [column.name for column in columns], "data": data}
    if answers.probabilities is None:
        members["predictions"] = significant(answers.predictions.tolist())
        return to_json_document(members, listed=["data", "predictions"])
    by_text = {label_text(name): name for name in classes or []}
    members["predictions"] = [by_text[label] for label in answers.predictions]
    members["probabilities"] = significant(answers.probabilities.tolist())
    return to_json_document(members, listed=["data", "predictions", "probabilities"])
