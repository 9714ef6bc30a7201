"""FunctionTransformer with numpy's functions of one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.operator_converters.function_transformer import convert_sklearn_function_transformer
from skl2onnx.shape_calculators.function_transformer import calculate_sklearn_function_transformer_output_shapes
from sklearn.preprocessing import FunctionTransformer

from servemodel.converters.nodes import Nodes, of_floats, width_of
from servemodel.errors import ExportError

Make = Callable[[Nodes, str], str]


def _of(kind: str) -> Make:
    return lambda nodes, x: nodes(kind, x)


def _log(base: float) -> Make:
    return lambda nodes, x: nodes("Div", nodes("Log", x), nodes.constant([np.log(base)]))


def _log1p(nodes: Nodes, x: str) -> str:
    """log(1 + x), also where x is so small that the sum loses it: x * log(u) / (u - 1) with u = 1 + x."""
    one = nodes.constant([1.0])
    sum_ = nodes("Add", x, one)
    less = nodes("Sub", sum_, one)
    zero = nodes("Equal", less, nodes.constant([0.0]))
    safe = nodes("Where", zero, one, less)
    precise = nodes("Div", nodes("Mul", x, nodes("Log", sum_)), safe)
    # Infinity times 1 by infinity isn't a number.
    large = nodes("Greater", x, nodes.constant([1e15]))
    return nodes("Where", zero, x, nodes("Where", large, nodes("Log", sum_), precise))


def _expm1(nodes: Nodes, x: str) -> str:
    """exp(x) - 1, near 0 as a series, since the difference would lose digits."""
    small = nodes("Less", nodes("Abs", x), nodes.constant([0.01]))
    series = nodes.constant([1 / 720])
    for factor in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0):
        series = nodes("Add", nodes("Mul", series, x), nodes.constant([factor]))
    return nodes("Where", small, nodes("Mul", series, x), nodes("Sub", nodes("Exp", x), nodes.constant([1.0])))


def _cbrt(nodes: Nodes, x: str) -> str:
    root = nodes("Pow", nodes("Abs", x), nodes.constant([1 / 3]))
    return nodes("Mul", nodes("Sign", x), root)


def _isnan(nodes: Nodes, x: str) -> str:
    return nodes.cast(nodes("IsNaN", x), "float64")


def _square(nodes: Nodes, x: str) -> str:
    return nodes("Mul", x, x)


def _same(_: Nodes, x: str) -> str:
    return x


FUNCTIONS: dict[str, Make] = {
    "log1p": _log1p, "log": _of("Log"), "log2": _log(2), "log10": _log(10), "exp": _of("Exp"), "expm1": _expm1,
    "sqrt": _of("Sqrt"), "cbrt": _cbrt, "square": _square, "absolute": _of("Abs"), "fabs": _of("Abs"), "negative": _of("Neg"),
    "sign": _of("Sign"), "floor": _of("Floor"), "ceil": _of("Ceil"), "rint": _of("Round"), "sin": _of("Sin"), "cos": _of("Cos"),
    "tanh": _of("Tanh"), "reciprocal": _of("Reciprocal"), "isnan": _isnan, "positive": _same,
}  # fmt: skip


def applied(nodes: Nodes, function: Any, arguments: dict[str, Any] | None, matrix: str, what: str) -> str:
    """The function of a matrix of float64. Raises ExportError for one that has no ONNX form here."""
    if function is None:
        return matrix
    name = getattr(function, "__name__", type(function).__name__)
    if not isinstance(function, np.ufunc) or name not in FUNCTIONS:
        raise ExportError(
            f"{what} calls {name}, which has no ONNX form: use one of numpy's {', '.join(FUNCTIONS)}, or compute the column "
            "before the request"
        )
    if arguments:
        raise ExportError(f"{what} gives {name} the arguments {', '.join(arguments)}, which have no ONNX form: leave them out")
    return FUNCTIONS[name](nodes, matrix)


def _shapes(operator: Any) -> None:
    if operator.raw_operator.func is None:
        calculate_sklearn_function_transformer_output_shapes(operator)
        return
    operator.outputs[0].type = of_floats(operator, width_of(operator))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    if model.func is None:
        convert_sklearn_function_transformer(scope, operator, container)
        return
    values = applied(nodes, model.func, model.kw_args, nodes.doubles(), "FunctionTransformer")
    if container.get_options(model, {"finite": False}, fail=False)["finite"]:
        # What takes the values refuses an infinite one, and computes a number from it in a graph.
        values = nodes("Where", nodes("IsInf", values), nodes.constant([np.nan]), values)
    nodes.finish(values)


def register() -> None:
    update_registered_converter(FunctionTransformer, "ServemodelFunction", _shapes, _convert, options={"finite": [True, False]}, overwrite=True)
