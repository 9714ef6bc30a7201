"""Rows with the training library's answers, which the server verifies at every load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from servemodel.answers import Answers, Form, label_text
from servemodel.documents import SIGNIFICANT_DIGITS, significant, to_json_document
from servemodel.signature import Column

TIE_MARGIN = 1e-3
"""A row closer to a tie could flip in float32 without anything being wrong."""
MAX_TEXT = 2000
"""Longer texts are compared at export, but would only swell the file."""
MOST_VALUES = 100
"""Values or labels of which each has golden rows; of more, every second, third and so on."""


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
    finite = np.where(np.isfinite(scores), scores, np.nan)
    if np.isnan(finite).all():
        return chosen
    for point in np.linspace(np.nanmin(finite), np.nanmax(finite), count):
        # Of equally near rows the first one: not the one that differs in the last bits.
        nearest = int(np.nanargmin(np.abs(finite - point).round(SIGNIFICANT_DIGITS)))
        if nearest not in chosen:
            chosen.append(nearest)
    return chosen


def real_rows(answers: Answers, count: int) -> list[int]:
    """Rows over the whole range of answers: of each class, or of values."""
    numbers, labels = answers.numbers, answers.labels
    if numbers.shape[1] == 0:
        # The first row of each combination of labels, then the second ones, and so on.
        earlier = pd.DataFrame(labels).groupby(list(range(labels.shape[1])), sort=False).cumcount().to_numpy()
        firsts = int((earlier == 0).sum())
        return np.argsort(earlier, kind="stable")[: max(count, min(firsts, MOST_VALUES))].tolist()
    columns = list(range(numbers.shape[1]))
    if answers.absolute and labels.shape[1] == 1:
        # Of two classes the second says all.
        columns = columns[1:] if len(columns) == 2 else columns
    else:
        columns = columns[:: max(1, -(-len(columns) // MOST_VALUES))]
    each = max(2, count // len(columns))
    return list(dict.fromkeys(row for k in columns for row in spread(numbers[:, k], each)))


def clear(answers: Answers) -> np.ndarray:
    """Whether rows [N] have a clear answer."""
    finite = np.isfinite(answers.numbers).all(axis=1)
    return np.asarray(finite if answers.clear is None else finite & (answers.clear > TIE_MARGIN))


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


def predictions(answers: Answers, form: Form) -> list[Any]:
    """What a server answers to each row: a label or a value, or a list of them."""
    if form.of_labels:
        by_text = [{label_text(name): name for name in classes} for classes in form.classes]
        table = [[names[label] for names, label in zip(by_text, row, strict=True)] for row in answers.labels]
    else:
        table = significant(answers.numbers.tolist())
    return table if form.names else [row[0] for row in table]


def golden_json(columns: list[Column], rows: pd.DataFrame, answers: Answers, form: Form) -> bytes:
    """golden.json of these rows [N, F] and the answers to them."""
    data = [[to_cell(row[column.name], column) for column in columns] for row in rows.to_dict("records")]
    members: dict[str, Any] = {"columns": [column.name for column in columns], "data": data}
    members["predictions"] = predictions(answers, form)
    if form.numbers is not None:
        numbers = answers.numbers[:, 0] if form.numbers == "score" else answers.numbers
        members[form.numbers] = significant(numbers.tolist())
    return to_json_document(members, listed=["data", "predictions", *([form.numbers] if form.numbers else [])])
