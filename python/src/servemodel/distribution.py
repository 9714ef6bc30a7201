"""The distribution of the training data in a column. The server compares requests with it to detect drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from servemodel.answers import label_text

MOST_BINS = 10
"""Deciles."""
LEAST_ROWS_A_BIN = 50
"""Fewer rows in all make fewer bins: with less in a bin its share is chance."""
DECIMALS = 6


def bin_edges(values: np.ndarray) -> list[float]:
    """Upper edges of all bins but the last, ascending, each of them a value [N > 0] or the next number below one.

    A value belongs to the first bin whose edge is no smaller. The bins have equal shares where values differ enough; a
    value with the share of several bins gets a bin of its own.
    """
    distinct = np.unique(values)
    if len(distinct) == 1:
        # Other values are below or above.
        return [float(np.nextafter(distinct[0], -np.inf)), float(distinct[0])]
    bins = int(np.clip(len(values) // LEAST_ROWS_A_BIN, 2, MOST_BINS))
    cuts = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    edges = set(cuts.tolist())
    for value in edges.copy():
        before = distinct[distinct < value]
        if (cuts == value).sum() > 1 and len(before) > 0:
            edges.add(float(before[-1]))
    # The last bin has no upper edge: behind the largest value it would be empty in training.
    if distinct[-1] in edges:
        edges = (edges - {float(distinct[-1])}) | {float(distinct[-2])}
    return sorted(edges)


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)


def _share(count: float, rows: int) -> float:
    return round(float(count) / rows, DECIMALS)


def _rest(name: str, count: int, rows: int) -> dict[str, float]:
    return {name: _share(count, rows)} if count > 0 else {}


def of_numbers(values: np.ndarray) -> dict[str, Any]:
    """Edges, the share of all rows in each bin, and of those that are missing, if any; values [N > 0], NaN if missing."""
    present = values[np.isfinite(values)]
    if len(present) == 0:
        return {}
    edges = bin_edges(present)
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    return {
        "rows": len(values),
        "edges": [_plain(edge) for edge in edges],
        "shares": [_share(count, len(values)) for count in counts],
        **_rest("missing", len(values) - len(present), len(values)),
    }


def of_categories(values: pd.Series, categories: Sequence[Any]) -> dict[str, Any]:
    """Shares in the order of the categories, of all other values and of missing ones, if there are any; values [N > 0]."""
    counts = values.value_counts()
    missing = int(values.isna().sum())
    known = [int(counts.get(category, 0)) for category in categories]
    return {
        "rows": len(values),
        "shares": [_share(count, len(values)) for count in known],
        **_rest("other", len(values) - sum(known) - missing, len(values)),
        **_rest("missing", missing, len(values)),
    }


def of_column(values: pd.Series, kind: str, categories: Sequence[str] | None) -> dict[str, Any]:
    """The distribution of a column of this type; None for free text, which has no bins."""
    if kind == "boolean":
        return of_categories(values.astype(bool), [False, True])
    if kind == "string":
        return {} if categories is None else of_categories(values.astype(object), categories)
    return of_numbers(values.to_numpy("float64"))


def with_distributions(members: Mapping[str, Any], frame: pd.DataFrame, predictions: np.ndarray) -> dict[str, Any]:
    """The members of a model.json with the distributions of the training rows and of the model's answers to them.

    frame: the training rows [N > 0]. predictions: labels as texts or values [N], or [N, L] of several, as ONNX Runtime answers them.
    """

    def beside(entry: Mapping[str, Any], distribution: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in entry.items() if key != "distribution"}
        return kept | ({"distribution": distribution} if distribution else {})

    def answered(entry: Mapping[str, Any], column: np.ndarray) -> dict[str, Any]:
        classes = entry.get("classes")
        if classes is None:
            return beside(entry, of_numbers(np.asarray(column, dtype="float64")))
        return beside(entry, of_categories(pd.Series(column, dtype=object), [label_text(name) for name in classes]))

    outputs = members["outputs"]
    if "values" not in outputs:
        outputs = answered(outputs, predictions)
    # The places of a vector have no meaning of their own.
    elif members["task"] != "transformation":
        table = predictions.reshape(len(predictions), -1)
        outputs = {**outputs, "values": [answered(entry, table[:, at]) for at, entry in enumerate(outputs["values"])]}
    return {
        **members,
        "inputs": [
            beside(entry, of_column(frame[entry["name"]], entry["type"], entry.get("categories")))
            for entry in members["inputs"]
        ],
        "outputs": outputs,
    }
