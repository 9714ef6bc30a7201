"""Columns that the model was fitted on and doesn't use: a ColumnTransformer drops them, so no client needs to send them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from servemodel.signature import _positions, first_step


def used_columns(model: Any, names: list[str], keep: Sequence[str] = ()) -> list[str]:
    """Those of the model's columns that it uses or that are to be kept, in its order."""
    first = first_step(model)
    if not isinstance(first, ColumnTransformer):
        return names
    used = {at for _, step, chosen in first.transformers_ if not _is_dropped(step) for at in _positions(chosen, names)}
    return [name for at, name in enumerate(names) if at in used or name in keep]


def _is_dropped(step: Any) -> bool:
    return isinstance(step, str) and step == "drop"


def only_used(model: Any, names: list[str]) -> Any:
    """The model whose ColumnTransformer chooses by name, so that the others needn't be there; a copy where it is changed."""
    if isinstance(model, Pipeline):
        changed = copy.copy(model)
        (name, first), *rest = model.steps
        changed.steps = [(name, only_used(first, names)), *rest]
        return changed
    changed = copy.copy(model)
    listed = np.asarray(names, dtype=object)
    changed.transformers_ = [
        (name, step, [] if _is_dropped(step) else listed[_positions(chosen, names)].tolist())
        for name, step, chosen in model.transformers_
    ]
    return changed


def filled(rows: pd.DataFrame, frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The rows [N, used] with the dropped columns beside them, as the library takes them: those of the frame's first row."""
    dropped = [name for name in names if name not in rows.columns]
    if not dropped:
        return rows
    beside = frame[dropped].iloc[np.zeros(len(rows), dtype=int)].reset_index(drop=True)
    return pd.concat([rows.reset_index(drop=True), beside], axis=1)[names]
