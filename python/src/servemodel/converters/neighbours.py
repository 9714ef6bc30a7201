"""KNNImputer: a missing number is the mean of that column in the nearest rows that have it."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from sklearn.impute import KNNImputer

from servemodel.converters.nodes import Nodes, of_floats
from servemodel.errors import ExportError

FAR = 1e300
"""Stands for the distance to a row that has no column in common, or lacks the number."""


def _kept(model: KNNImputer) -> list[int]:
    if model.keep_empty_features:
        return list(range(model._fit_X.shape[1]))
    return [int(at) for at in np.flatnonzero(model._valid_mask)]


def _distances(nodes: Nodes, model: KNNImputer, rows: str, missing: str) -> str:
    """Squared distances [N, M] to the fitted rows by the columns that both have, in parts of all columns; FAR without any."""
    fitted = np.asarray(model._fit_X, dtype="float64")
    there = (~np.isnan(fitted)).astype("float64")
    filled = np.nan_to_num(fitted)
    zero = nodes.constant([0.0])
    known = nodes("Where", missing, zero, rows)
    present = nodes("Where", missing, zero, nodes.constant([1.0]))
    squares = nodes("MatMul", nodes("Mul", known, known), nodes.constant(there.T))
    squares = nodes("Sub", squares, nodes("MatMul", known, nodes.constant(2 * filled.T)))
    squares = nodes("Add", squares, nodes("MatMul", present, nodes.constant((filled**2).T)))
    common = nodes("MatMul", present, nodes.constant(there.T))
    none = nodes("Equal", common, zero)
    shares = nodes("Div", nodes.constant([float(fitted.shape[1])]), nodes("Where", none, nodes.constant([1.0]), common))
    return nodes("Where", none, nodes.constant([FAR]), nodes("Mul", nodes("Max", squares, zero), shares))


def _imputed(nodes: Nodes, model: KNNImputer, distances: str, at: int) -> str:
    """What stands for a missing cell [N, 1] of a column."""
    column = np.asarray(model._fit_X[:, at], dtype="float64")
    donors = np.flatnonzero(~np.isnan(column))
    near = nodes.columns(distances, donors.tolist())
    count = min(model.n_neighbors, len(donors))
    nearest, places = (nodes.scope.get_unique_variable_name(name) for name in ("nearest", "places"))
    nodes.container.add_node(
        "TopK", [near, nodes.constant([count], "int64")], [nearest, places], name=nodes.scope.get_unique_operator_name("TopK"),
        axis=1, largest=0, sorted=1,
    )  # fmt: skip
    zero, one = nodes.constant([0.0]), nodes.constant([1.0])
    far = nodes("GreaterOrEqual", nearest, nodes.constant([FAR]))
    weights = nodes("Where", far, zero, one)
    if model.weights == "distance":
        here = nodes("Equal", nearest, zero)
        any_here = nodes("ReduceMax", nodes.cast(here, "float64"), nodes.constant([1], "int64"), keepdims=1)
        inverse = nodes("Div", one, nodes("Sqrt", nodes("Where", here, one, nearest)))
        # Rows at no distance count alone.
        weights = nodes("Mul", weights, nodes("Where", nodes("Greater", any_here, zero), nodes.cast(here, "float64"), inverse))
    values = nodes("Gather", nodes.constant(column[donors]), places)
    axes = nodes.constant([1], "int64")
    total = nodes("ReduceSum", weights, axes, keepdims=1)
    none = nodes("Equal", total, zero)
    mean = nodes("Div", nodes("ReduceSum", nodes("Mul", values, weights), axes, keepdims=1), nodes("Where", none, one, total))
    return nodes("Where", none, nodes.constant([float(column[donors].mean())]), mean)


def _shapes(operator: Any) -> None:
    operator.outputs[0].type = of_floats(operator, len(_kept(operator.raw_operator)))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    own = isinstance(model.missing_values, float) and np.isnan(model.missing_values)
    if not own or model.add_indicator or callable(model.weights) or model.metric != "nan_euclidean":
        raise ExportError("KNNImputer has an ONNX form for missing_values=numpy.nan without indicators, with weights='uniform' or 'distance'")
    rows = nodes.doubles()
    missing = nodes("IsNaN", rows)
    distances = _distances(nodes, model, rows, missing)
    parts = []
    for at in _kept(model):
        column = nodes.columns(rows, [at])
        if np.isnan(model._fit_X[:, at]).all():
            parts.append(nodes("Mul", nodes.cast(nodes("IsNaN", column), "float64"), nodes.constant([0.0])))
            continue
        parts.append(nodes("Where", nodes.columns(missing, [at]), _imputed(nodes, model, distances, at), column))
    nodes.finish(nodes.beside(parts))


def register() -> None:
    update_registered_converter(KNNImputer, "ServemodelKNNImputer", _shapes, _convert, overwrite=True)
