"""The errors that are shown to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

# --help needs no package.
if TYPE_CHECKING:
    import pandas as pd


class ExportError(Exception):
    """A fault that its one-line message explains to the user."""


class Disagreement(ExportError):
    """The graph doesn't give the library's answers on these rows [M, F]."""

    def __init__(self, message: str, rows: pd.DataFrame) -> None:
        super().__init__(message)
        self.rows = rows


class AnswerError(Exception):
    """A server's refusal, in its own words."""
