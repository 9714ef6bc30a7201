"""Finds nullable columns: those for which both sides answer a missing value alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from servemodel.answers import Answers
from servemodel.errors import ExportError
from servemodel.parity import Agreement, Session, compare
from servemodel.signature import Column, _positions, first_step

ROWS = 50
CELLS = 4_000_000
"""Of one question: a frame of 1,000 columns is asked in a few."""


def _without(rows: pd.DataFrame, names: Sequence[str], texts: Mapping[str, Any]) -> pd.DataFrame:
    """[len(names) * N, F] the rows once for each name, there without its cell.

    texts: the missing cells of columns of texts.
    """
    count = len(rows)
    repeated = rows.iloc[np.tile(np.arange(count), len(names))].reset_index(drop=True)
    changed = {}
    for at, name in enumerate(names):
        kind = object if name in texts else "float64"
        cells = repeated[name].to_numpy(kind, copy=True)
        cells[at * count : (at + 1) * count] = texts.get(name, np.nan)
        changed[name] = pd.Series(cells, dtype=kind)
    return pd.DataFrame({name: changed.get(name, repeated[name]) for name in rows.columns})


def _same(
    names: Sequence[str],
    rows: pd.DataFrame,
    expected: Callable[[pd.DataFrame], Answers],
    session: Session,
    tolerance: float,
    texts: Mapping[str, Any],
) -> set[str]:
    """Those of the columns without which both sides give the same answers."""

    def half(part: Sequence[str]) -> set[str]:
        return _same(part, rows, expected, session, tolerance, texts)

    if not names:
        return set()
    if len(names) > 1 and len(names) * rows.size > CELLS:
        return half(names[: len(names) // 2]) | half(names[len(names) // 2 :])
    try:
        # One row each, first: many libraries take no missing value at all.
        if len(names) > 1:
            expected(_without(rows.iloc[:1], names, texts))
        without = _without(rows, names, texts)
        answers = expected(without)
        agreement = compare(answers, session.answer(without), tolerance)
    except ExportError:
        if len(names) == 1:
            return set()
        return half(names[: len(names) // 2]) | half(names[len(names) // 2 :])
    # A transformer that passes a missing cell on gives no number, and a server sends none.
    empty = np.flatnonzero(~np.isfinite(answers.numbers).all(axis=1))
    different = {int(row) // len(rows) for row in (*agreement.label_differences, *agreement.beyond, *empty)}
    return {name for at, name in enumerate(names) if at not in different}


def _together(model: Any, names: list[str]) -> list[list[str]]:
    """Columns that the same steps take, in one matrix: if the library refuses a missing cell of one, it does of all."""
    first = first_step(model)
    if not isinstance(first, ColumnTransformer):
        return [names]
    takers: dict[str, list[int]] = {name: [] for name in names}
    for number, (_, step, chosen) in enumerate(first.transformers_):
        # A table that the transformer was fitted on may have had further columns.
        if isinstance(step, str) and step == "drop":
            continue
        for at in _positions(chosen, names):
            takers[names[at]].append(number)
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in names:
        groups.setdefault(tuple(takers[name]), []).append(name)
    return list(groups.values())


def _is_answered(rows: pd.DataFrame, name: str, expected: Callable[[pd.DataFrame], Answers]) -> bool:
    try:
        expected(_without(rows.iloc[:1], [name], {}))
        return True
    except ExportError:
        return False


def find_nullable(
    model: Any,
    columns: list[Column],
    frame: pd.DataFrame,
    expected: Callable[[pd.DataFrame], Answers],
    session: Session,
    tolerance: float,
) -> list[Column]:
    """The columns, with those nullable for which both sides give the same answers without them."""
    most = max(4, min(ROWS, CELLS // 200 // max(1, len(columns))))
    rows = frame.iloc[:: max(1, -(-len(frame) // most))].reset_index(drop=True)
    missing = {column.name for column in columns if frame[column.name].isna().any()}
    asks = {
        column.name
        for column in columns
        if column.name not in missing
        and (column.missing is not None or (column.type in ("number", "integer") and column.tensor != "int64"))
    }
    texts = {column.name: column.missing_cell for column in columns if column.is_text}
    groups = [[name for name in group if name in asks - texts.keys()] for group in _together(model, list(frame.columns))]
    numbers = {name for group in groups if group and _is_answered(rows, group[0], expected) for name in group}
    asked = [column.name for column in columns if column.name in numbers or column.name in asks & texts.keys()]
    same = _same(asked, rows, expected, session, tolerance, texts)
    return [replace(column, nullable=column.name in missing or column.name in same) for column in columns]


def wrongly_nullable(columns: list[Column], frame: pd.DataFrame, edges: pd.DataFrame, agreement: Agreement) -> set[str]:
    """Columns that few rows showed to be nullable, and without which an edge row is answered otherwise after all."""
    differing = edges.iloc[[*agreement.label_differences, *agreement.beyond]]
    return {
        column.name
        for column in columns
        if column.nullable and not frame[column.name].isna().any() and differing[column.name].isna().any()
    }
