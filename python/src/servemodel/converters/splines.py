"""SplineTransformer: each spline is a polynomial between two knots."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from sklearn.preprocessing import SplineTransformer

from servemodel.converters.nodes import Nodes, of_floats


def _pieces(spline: Any) -> tuple[np.ndarray, np.ndarray]:
    """The knots [k + 1] between which polynomials hold, and their coefficients [k, degree + 1, splines], from x - knot."""
    from scipy.interpolate import BSpline, PPoly

    columns = [
        PPoly.from_spline(BSpline(spline.t, column, spline.k)).c for column in np.asarray(spline.c, dtype="float64").T
    ]
    # Lowest power first.
    table = np.stack(columns, axis=-1)[::-1].transpose(1, 0, 2)
    first, last = spline.k, len(spline.t) - spline.k - 1
    return np.asarray(spline.t[first : last + 1], dtype="float64"), table[first:last]


def _values(nodes: Nodes, x: str, knots: np.ndarray, table: np.ndarray) -> str:
    """The splines [N, splines] at x [N, 1]; beyond the knots, the outermost polynomials."""
    count, powers, width = table.shape
    if count == 1:
        piece = nodes("ReduceSum", nodes.cast(nodes("IsNaN", x), "int64"), nodes.constant([1], "int64"), keepdims=0)
    else:
        reached = nodes.cast(nodes("GreaterOrEqual", x, nodes.constant(knots[None, 1:-1])), "int64")
        piece = nodes("ReduceSum", reached, nodes.constant([1], "int64"), keepdims=0)
    # Of a missing cell, any piece: its polynomial isn't a number.
    piece = nodes("Min", piece, nodes.constant([count - 1], "int64"))
    start = nodes("Reshape", nodes("Gather", nodes.constant(knots[:-1]), piece), nodes.constant([-1, 1], "int64"))
    away = nodes("Sub", x, start)
    total = ""
    for power in reversed(range(powers)):
        rows = nodes("Gather", nodes.constant(table[:, power, :]), piece, axis=0)
        total = nodes("Add", nodes("Mul", total, away), rows) if total else rows
    return total


def _spline(nodes: Nodes, model: SplineTransformer, spline: Any, x: str) -> str:
    knots, table = _pieces(spline)
    low, high = float(knots[0]), float(knots[-1])
    if model.extrapolation == "continue":
        return _values(nodes, x, knots, table)
    if model.extrapolation == "error":
        return nodes.only_between(x, low, high, _values(nodes, x, knots, table))
    if model.extrapolation == "periodic":
        period = high - low
        if period <= 0:
            return _values(nodes, nodes("Mul", x, nodes.constant([0.0])), knots, table)
        turns = nodes("Floor", nodes("Div", nodes("Sub", x, nodes.constant([low])), nodes.constant([period])))
        return _values(nodes, nodes("Sub", x, nodes("Mul", turns, nodes.constant([period]))), knots, table)
    clipped = nodes("Min", nodes("Max", x, nodes.constant([low])), nodes.constant([high]))
    values = _values(nodes, clipped, knots, table)
    if model.extrapolation == "constant":
        return values
    below, above = nodes("Min", nodes("Sub", x, nodes.constant([low])), nodes.constant([0.0])), nodes(
        "Max", nodes("Sub", x, nodes.constant([high])), nodes.constant([0.0])
    )
    slopes = [np.atleast_2d(spline(end, nu=1)) for end in (low, high)]
    beyond = nodes("Add", nodes("Mul", below, nodes.constant(slopes[0])), nodes("Mul", above, nodes.constant(slopes[1])))
    return nodes("Add", values, beyond)


def _width(model: SplineTransformer) -> int:
    return int(model.n_features_out_)


def _shapes(operator: Any) -> None:
    operator.outputs[0].type = of_floats(operator, _width(operator.raw_operator))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    matrix = nodes.doubles()
    parts = []
    for at, spline in enumerate(model.bsplines_):
        x = nodes.columns(matrix, [at])
        values = _spline(nodes, model, spline, x)
        if not model.include_bias:
            values = nodes.columns(values, list(range(np.asarray(spline.c).shape[1] - 1)))
        if getattr(model, "handle_missing", "error") == "zeroout":
            values = nodes("Where", nodes("IsNaN", x), nodes.constant([0.0]), values)
        parts.append(values)
    nodes.finish(nodes.beside(parts))


def register() -> None:
    update_registered_converter(SplineTransformer, "ServemodelSplines", _shapes, _convert, overwrite=True)
