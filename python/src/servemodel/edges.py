"""Rows that clients may send and training never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from servemodel.answers import Answers
from servemodel.graphs import Graph
from servemodel.signature import FLOAT_INTEGERS, JSON_INTEGERS, Column, float32_step, is_whole

NASTY_TEXTS = [
    "",
    " ",
    "a",
    "!?…—«»",
    "İİ",
    "naïve Café crème – 100% ÜBER",
    "e\u0301t\u00e9 ETE\u0301 E\u0301T\u00c9",
    "don't, can’t; rock'n'roll/and(or)[both]_snake_case 3.14 x²",
    "ПРИВЕТ мир Ελληνικά 日本語 한국어 עברית ١٢٣",
    "tab\tnewline\nreturn\rnbsp\u00a0zero\u200bwidth\u2028line 😀👍🏽",
    "İstanbul DİYARBAKIR xİy ſtraße STRASSE K K",
    "word " * 5000,
    "x" * 50_000,
]
"""Empty, punctuation, accents composed and not, other scripts, odd spaces, letters with odd lower case, long ones."""
UNKNOWN_CATEGORIES = ["", "unknown \u2026", "nan"]


MOST_TRIED = 100
"""Categories, or thresholds of trees, whose neighbours are tried in a column."""


FINE_PARTS = np.arange(-1, 1.1, 0.25)
"""Shares of a step of float32 at which the neighbours of a fraction are tried."""


def large_thresholds(graph: Graph) -> np.ndarray:
    """Thresholds of the graph's trees beyond the whole numbers that float32 holds, ascending."""
    values = np.unique(np.concatenate([np.empty(0), *graph.thresholds()]))
    return values[(np.abs(values) > FLOAT_INTEGERS) & (np.abs(values) < JSON_INTEGERS)]


def _spread(values: Any, most: int) -> np.ndarray:
    distinct = np.unique(np.asarray(values, dtype="float64"))
    return distinct[:: max(1, -(-len(distinct) // most))]


def _whole_neighbours(values: np.ndarray) -> list[int]:
    """Whole numbers beside these that float32 rounds to them, or just not."""
    steps = np.spacing(np.abs(values).astype("float32")).astype("float64")
    near = [offset for step in steps for offset in (-step, -step / 2 + 1, -1, 0, 1, step / 2 - 1, step / 2, step)]
    return [int(value) for value in np.repeat(values, 8) + np.asarray(near) if abs(value) <= JSON_INTEGERS]


def _fine_neighbours(values: np.ndarray, present: pd.Series) -> list[float]:
    """Numbers within a step of float32 of these, as far as that is at the largest number of the column."""
    return (values[:, None] + FINE_PARTS * float32_step(present)).ravel().tolist()


def near_values(column: Column, values: pd.Series, thresholds: np.ndarray) -> list[float]:
    """Numbers next to those that the model knows, which float32 or an integer tensor could take for them."""
    present = values.dropna()
    known = _spread(column.looked_up or (), MOST_TRIED)
    if column.type == "number":
        if not is_whole(present):
            return _fine_neighbours(_spread(thresholds, MOST_TRIED), present) if column.is_fine else []
        near = [value + part for value in _spread(present, 10) for part in (-0.3, 0.5, 0.7)]
    else:
        near = [value + step for value in known for step in (-1, 1)]
    large = [*thresholds, *(_spread(present, 20) if present.abs().max() > FLOAT_INTEGERS else ())]
    return [*near, *_whole_neighbours(_spread(large, MOST_TRIED))]


def edge_values(column: Column, values: pd.Series, thresholds: np.ndarray) -> list[Any]:
    """Values that a client may send for a column, without the missing one."""
    if column.type == "boolean":
        return [True, False]
    if column.is_text:
        if column.categories is None:
            # Real texts too: in capitals, joined without spaces, with an additional word, and with repeated words.
            real = [str(text) for text in values.dropna().iloc[:: max(1, len(values) // 20)]]
            return [
                *NASTY_TEXTS,
                *(text.upper() for text in real),
                *(text.replace(" ", "/") for text in real),
                *(text.replace(" ", " the ") for text in real),
                *(f"{text} {text[: len(text) // 2]}" for text in real),
            ]
        if column.closed:
            return list(column.categories[:200])
        padded = [f" {category}" for category in column.categories[:2]]
        return [*column.categories[:200], *UNKNOWN_CATEGORIES, *(p for p in padded if p not in column.categories)]
    low, high = column.range or (0, 1)
    width = max(1, int(high - low))
    whole = [0, int(low) - 1, int(high) + 1, int(low) - 10 * width, int(high) + 10 * width]
    near = near_values(column, values, thresholds)
    if column.type == "number":
        return [*whole, float(np.float32((low + high) / 2)), low, high, *near]
    # The server refuses what JSON or the tensor can't hold.
    held = [int(np.float32(value)) if column.tensor == "float" else int(value) for value in (*whole, *dict.fromkeys(near))]
    return [value for value in held if abs(value) <= JSON_INTEGERS]


def edge_frame(
    columns: list[Column], frame: pd.DataFrame, thresholds: np.ndarray, stride: int = 37
) -> pd.DataFrame:
    """[M, F] rows of the frame, each with one cell replaced; then, for columns that may be missing, without it.

    thresholds: of the model's trees, as far as they are large.
    """
    # By columns: a wide frame has many edge rows, and each has all columns.
    changes: dict[str, list[tuple[int, Any]]] = {column.name: [] for column in columns}
    count = 0

    def add(names: Iterable[str], value: Any) -> None:
        nonlocal count
        for name in names:
            changes[name].append((count, value))
        count += 1

    for column in columns:
        for value in edge_values(column, frame[column.name], thresholds):
            add([column.name], value)
    missing = [column for column in columns if column.nullable]
    for column in missing:
        for _ in range(3):
            add([column.name], column.missing_cell)
    for column in missing:
        changes[column.name].append((count, column.missing_cell))
    count += bool(missing)
    # A stride through the real rows, so that edge rows have low and high answers.
    base = (np.arange(count) * stride) % len(frame)
    cells = {}
    for column in columns:
        kind = "float64" if column.type in ("number", "integer") else object
        cells[column.name] = frame[column.name].to_numpy(kind)[base]
        for row, value in changes[column.name]:
            cells[column.name][row] = value
        # Left to itself, pandas 3 makes NaN of None.
        cells[column.name] = pd.Series(cells[column.name], dtype=kind)
    return typed(pd.DataFrame(cells, columns=list(frame.columns)), columns)


def _answers_differ(left: Answers, right: Answers) -> np.ndarray:
    distance = np.abs(left.numbers - right.numbers) / np.maximum(1, np.abs(left.numbers))
    return np.asarray((distance.max(axis=1, initial=0) > 1e-6) | (left.labels != right.labels).any(axis=1))


def jump_frame(columns: list[Column], frame: pd.DataFrame, ask: Callable[[pd.DataFrame], Answers]) -> pd.DataFrame:
    """[M, F] rows around the numbers at which the library's answer changes, where float32 may lose them.

    Between two numbers of the frame that get different answers a search by halves ends at two neighbours that do: trees
    do so wherever their thresholds went, also behind a scaler.
    """
    parts = [frame.iloc[:0]]
    for column in columns:
        if column.type not in ("integer", "number"):
            continue
        present = frame[column.name].dropna()
        whole = is_whole(present)
        if not (column.is_fine or (whole and present.abs().max() > FLOAT_INTEGERS)):
            continue
        near = 1 if whole else float32_step(present) / 16
        points = _spread(present, 40)
        base = frame.iloc[np.arange(len(points) - 1) % len(frame)].reset_index(drop=True)

        def answers(cells: np.ndarray, base: pd.DataFrame = base, name: str = column.name) -> Answers:
            return ask(base.assign(**{name: cells}))

        low, high = points[:-1], points[1:]
        if len(low) == 0:
            continue
        below = answers(low)
        changes = _answers_differ(below, answers(high))
        while (high - low > near).any():
            middle = np.floor((low + high) / 2) if whole else (low + high) / 2
            same = ~_answers_differ(below, answers(middle))
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        around = [
            _whole_neighbours(low[[at]]) if whole else _fine_neighbours(low[[at]], present)
            for at in np.flatnonzero(changes)
        ]
        rows = base.iloc[np.repeat(np.flatnonzero(changes), [len(cells) for cells in around])]
        rounded = column.type == "integer" and column.tensor == "float"
        cells = [float(np.float32(cell)) if rounded else cell for near in around for cell in near]
        parts.append(rows.assign(**{column.name: np.asarray(cells, dtype="float64")}))
    return typed(pd.concat(parts, ignore_index=True), columns)


def typed(frame: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """The frame with numbers as float64 (missing: NaN), booleans as bool, texts as objects."""
    kinds = {"string": object, "boolean": bool, "number": "float64", "integer": "float64"}
    return frame.astype({column.name: kinds[column.type] for column in columns})
