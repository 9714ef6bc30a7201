"""Training rows with which a server compares the rows that it explains."""

from __future__ import annotations

import numpy as np
import pandas as pd

from servemodel.documents import to_json_document
from servemodel.golden import MAX_TEXT, to_cell
from servemodel.signature import Column

ROWS = 64
"""Of at most 100 that a server takes: each costs a run of the model for each set of columns."""
MOST_CELLS = 200_000
"""Wider frames give fewer rows."""
LEAST_ROWS = 8
"""Fewer rows are no sample."""


def choose(columns: list[Column], rows: pd.DataFrame) -> pd.DataFrame:
    """Up to 64 rows by chance, always the same ones of the same frame [N, F]; without long texts."""
    texts = [column.name for column in columns if column.is_text]
    short = ~rows[texts].apply(lambda cells: cells.str.len().gt(MAX_TEXT)).any(axis=1).to_numpy(bool)
    places = np.flatnonzero(short)
    count = min(ROWS, len(places), MOST_CELLS // max(1, len(columns)))
    chosen = np.random.default_rng(0).choice(places, size=count, replace=False)
    return rows.iloc[np.sort(chosen)]


def background_json(columns: list[Column], rows: pd.DataFrame) -> bytes | None:
    """background.json of rows of the training; None where they are too few."""
    chosen = choose(columns, rows)
    if len(chosen) < LEAST_ROWS:
        return None
    data = [[to_cell(row[column.name], column) for column in columns] for row in chosen.to_dict("records")]
    return to_json_document({"columns": [column.name for column in columns], "data": data}, listed=["data"])
