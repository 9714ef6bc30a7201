"""Rows that the library refuses to answer: the graph must not answer them either."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from servemodel.answers import Answers
from servemodel.errors import ExportError
from servemodel.parity import Session

MOST_ASKED = 400
"""Questions by which the refused rows are found among many."""


def _is_number(answers: Answers) -> np.ndarray:
    """Whether the answers [N] are numbers, which a server sends."""
    return np.asarray(np.isfinite(answers.numbers).all(axis=1))


def _graph_refuses(session: Session, rows: pd.DataFrame) -> bool:
    """Whether the graph answers no number. One that fails would fail a whole batch, and the checks of a server at its load."""
    try:
        return not _is_number(session.answer(rows)).any()
    except ExportError:
        return False


def answerable(ask: Callable[[pd.DataFrame], Answers], session: Session, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows [M, F] that the library answers.

    Raises ExportError when the graph doesn't refuse one that the library refuses.
    """
    kept = np.ones(len(rows), dtype=bool)
    asked = 0
    waiting = [(0, len(rows))]
    while waiting:
        start, end = waiting.pop()
        if start == end:
            continue
        asked += 1
        try:
            ask(rows.iloc[start:end])
            continue
        except ExportError as error:
            if asked > MOST_ASKED:
                raise
            if end - start > 1:
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
                continue
            refused = rows.iloc[start:end]
            if not _graph_refuses(session, refused):
                cells = ", ".join(f"{name}: {str(value)[:40]!r}" for name, value in refused.iloc[0].items())
                raise ExportError(
                    f"{error}; its ONNX form can't refuse them: put a step in front that leaves only values that the model takes; "
                    f"such a row is {cells[:400]}"
                ) from error
            kept[start:end] = False
    return rows[kept].reset_index(drop=True)


FIRST = 1000


def require_same_types(frame: pd.DataFrame, answers: Answers, ask: Callable[[pd.DataFrame], Answers]) -> None:
    """Refuse a model that answers the frame's whole numbers otherwise than the same numbers as floats, which a server gives it."""
    whole = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name])]
    if not whole:
        return
    some = frame.iloc[:FIRST].reset_index(drop=True)
    try:
        own = ask(some)
    # What the library doesn't take as it is, it has answered as floats.
    except Exception:
        return
    got, wanted = own.numbers, answers.numbers[: len(some)]
    same = np.allclose(got, wanted, rtol=1e-6, atol=1e-6, equal_nan=True)
    # Labels alone are all that there is to compare.
    if not same or (got.shape[1] == 0 and (own.labels != answers.labels[: len(some)]).any()):
        raise ExportError(
            f"the model answers the whole numbers of {', '.join(whole[:5])} otherwise than the same numbers as floats, in which a "
            "graph computes: fit it on floats, frame.astype({name: float})"
        )
