"""Finds nullable columns: those for which both sides answer a missing value alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from servemodel.edges import typed
from servemodel.errors import ExportError
from servemodel.parity import Answers, Session, compare
from servemodel.signature import Column


def find_nullable(
    columns: list[Column],
    frame: pd.DataFrame,
    expected: Callable[[pd.DataFrame], Answers],
    session: Session,
    tolerance: float,
) -> list[Column]:
    """The columns, with those nullable for which both sides give the same answers without them."""
    rows = frame.iloc[:: max(1, len(frame) // 50)].copy()
    found = []
    for column in columns:
        nullable = bool(frame[column.name].isna().any())
        if not nullable and column.type in ("number", "integer") and column.tensor != "int64":
            without = typed(rows.assign(**{column.name: np.nan}), columns)
            try:
                nullable = compare(expected(without), session.answer(without), tolerance).complete
            except ExportError:
                nullable = False
        found.append(replace(column, nullable=nullable))
    return found
