"""Rows that are made up where there are none: on both sides of the model's thresholds, of its categories, near an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

ROWS = 300
WORDS = ["parcel", "late", "money", "thanks", "please", "again", "never", "great"]


def _numbers(thresholds: np.ndarray, example: Sequence[float], random: np.random.Generator) -> np.ndarray:
    """[ROWS] numbers that float32 holds."""
    if len(thresholds) > 0:
        ends = [thresholds[0] - 1 - abs(thresholds[0]), thresholds[-1] + 1 + abs(thresholds[-1])]
        cuts = np.concatenate([ends[:1], thresholds, ends[1:]])
        at = random.integers(0, len(cuts) - 1, ROWS)
        values = cuts[at] + (cuts[at + 1] - cuts[at]) * random.random(ROWS)
    elif len(example) > 0:
        base = random.choice(np.asarray(example, dtype="float64"), ROWS)
        values = base + random.normal(0, 0.3, ROWS) * np.maximum(1, np.abs(base))
    else:
        values = random.normal(0, 1, ROWS) * random.choice([0.1, 1, 10, 100], ROWS)
    return values.astype("float32").astype("float64")


def make_rows(
    names: Sequence[str],
    kinds: Mapping[str, str],
    categories: Mapping[str, Sequence[Any]],
    thresholds: Mapping[str, np.ndarray],
    example: pd.DataFrame | None,
) -> pd.DataFrame:
    """[ROWS, F] frame, the same each time; the example's rows come first.

    kinds: string, integer, boolean, or else number.
    """
    random = np.random.default_rng(0)
    cells: dict[str, Any] = {}
    for name in names:
        shown = [] if example is None or name not in example else example[name].dropna().tolist()
        kind = kinds.get(name, "number")
        if name in categories and len(categories[name]) > 0:
            cells[name] = random.choice(np.asarray(list(categories[name]), dtype=object), ROWS)
        elif kind == "string":
            texts = [str(cell) for cell in shown]
            made = [" ".join(random.choice(WORDS, random.integers(1, 6))) for _ in range(ROWS)]
            cells[name] = [texts[at % len(texts)] if texts and at % 2 else text for at, text in enumerate(made)]
        elif kind == "boolean":
            cells[name] = random.random(ROWS) < 0.5
        else:
            numeric = [float(cell) for cell in shown if isinstance(cell, (int, float))]
            values = _numbers(thresholds.get(name, np.empty(0)), numeric, random)
            cells[name] = np.floor(values).astype("int64") if kind == "integer" else values
    frame = pd.DataFrame(cells, columns=list(names))
    if example is None or not set(names) <= set(example.columns) or example[list(names)].isna().any(axis=None):
        return frame
    return pd.concat([example[list(names)].astype(frame.dtypes.to_dict(), errors="ignore"), frame], ignore_index=True)
