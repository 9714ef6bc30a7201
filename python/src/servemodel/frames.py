"""Frames of pandas, polars and pyarrow as pandas frames whose columns are named by texts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from servemodel.errors import ExportError


def _library(frame: Any) -> str:
    """The package that the frame's type is from."""
    return type(frame).__module__.split(".")[0]


def _from_arrow(table: Any) -> pd.DataFrame:
    return table.to_pandas()


def _from_polars(frame: Any) -> pd.DataFrame:
    """Column by column: polars' own to_pandas needs pyarrow."""
    if not hasattr(frame, "iter_columns"):
        frame = frame.collect()  # a LazyFrame

    def cells(column: Any) -> pd.Series:
        kind = str(column.dtype)
        if kind in ("String", "Utf8", "Categorical") or kind.startswith("Enum"):
            values = pd.Series(column.cast(str).to_list(), dtype=object)
            return values if kind in ("String", "Utf8") else values.astype("category")
        if kind == "Boolean" and column.null_count() > 0:
            return pd.Series(column.to_list(), dtype="boolean")
        if kind == "Null":
            return pd.Series([None] * len(column), dtype=object)
        return pd.Series(column.to_numpy())

    return pd.DataFrame({column.name: cells(column) for column in frame.iter_columns()})


def to_pandas(frame: Any) -> pd.DataFrame:
    """A copy of a frame, whose columns are named by texts.

    Raises ExportError for what is no frame, and for names on several levels.
    """
    library = _library(frame)
    if library == "polars" and hasattr(frame, "columns"):
        frame = _from_polars(frame)
    elif library == "pyarrow" and hasattr(frame, "to_pandas") and hasattr(frame, "column_names"):
        frame = _from_arrow(frame)
    elif hasattr(frame, "schema") and hasattr(frame.schema, "names") and hasattr(frame, "to_pandas"):
        frame = _from_arrow(frame)  # a RecordBatch
    if not isinstance(frame, pd.DataFrame):
        raise ExportError(
            f"the frame is no pandas DataFrame but of type {type(frame).__name__}: give one of pandas, polars or "
            "pyarrow, whose columns have the names by which clients will send them"
        )
    if isinstance(frame.columns, pd.MultiIndex):
        raise ExportError(
            f"the frame's columns have names on {frame.columns.nlevels} levels (a MultiIndex), and a request names "
            "each by one text: join them, frame.columns = ['_'.join(map(str, name)) for name in frame.columns], and "
            "fit the model on that frame"
        )
    # RangeIndex and other indexes are no columns: rows count from 0.
    return frame.rename(columns=str)
