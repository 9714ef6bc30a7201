"""TransformedTargetRegressor: the regressor inside of it, then the inverse of what was done to the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from servemodel.converters.functions import applied
from servemodel.converters.meta import register_regressor, scores
from servemodel.converters.nodes import Nodes
from servemodel.errors import ExportError

AFFINE = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)


def _power(nodes: Nodes, model: PowerTransformer, y: str) -> str:
    if model.standardize:
        scaler = model._scaler
        y = nodes("Add", nodes("Mul", y, nodes.constant(scaler.scale_)), nodes.constant(scaler.mean_))
    lambda_ = float(model.lambdas_[0])
    one = nodes.constant([1.0])
    if model.method == "box-cox":
        if lambda_ == 0:
            return nodes("Exp", y)
        return nodes("Pow", nodes("Add", nodes("Mul", y, nodes.constant([lambda_])), one), nodes.constant([1 / lambda_]))
    low = nodes("Min", y, nodes.constant([0.0]))
    high = nodes("Max", y, nodes.constant([0.0]))
    if abs(lambda_) < np.spacing(1.0):
        above = nodes("Sub", nodes("Exp", high), one)
    else:
        base = nodes("Add", nodes("Mul", high, nodes.constant([lambda_])), one)
        above = nodes("Sub", nodes("Pow", base, nodes.constant([1 / lambda_])), one)
    if abs(lambda_ - 2) > np.spacing(1.0):
        base = nodes("Add", nodes("Mul", low, nodes.constant([lambda_ - 2])), one)
        below = nodes("Sub", one, nodes("Pow", base, nodes.constant([1 / (2 - lambda_)])))
    else:
        below = nodes("Sub", one, nodes("Exp", nodes("Neg", low)))
    return nodes("Where", nodes("GreaterOrEqual", y, nodes.constant([0.0])), above, below)


def _inverse(nodes: Nodes, model: Any, y: str) -> str:
    """The inverse transform of a fitted transformer of values [N, 1]."""
    if isinstance(model, Pipeline):
        for _, step in reversed(model.steps):
            y = y if step is None or step == "passthrough" else _inverse(nodes, step, y)
        return y
    if isinstance(model, FunctionTransformer):
        return applied(nodes, model.inverse_func, model.inv_kw_args, y, "TransformedTargetRegressor")
    if isinstance(model, AFFINE):
        zero, one = model.inverse_transform(np.array([[0.0], [1.0]])).ravel()
        if isinstance(model, MinMaxScaler) and model.clip:
            y = nodes("Clip", y, *(nodes.constant(float(end)) for end in model.feature_range))
        return nodes("Add", nodes("Mul", y, nodes.constant([one - zero])), nodes.constant([zero]))
    if isinstance(model, PowerTransformer):
        return _power(nodes, model, y)
    if isinstance(model, QuantileTransformer) and model.output_distribution == "uniform":
        return nodes.interpolated(y, model.references_, model.quantiles_[:, 0])
    raise ExportError(
        f"TransformedTargetRegressor undoes {type(model).__name__}, which has no ONNX form: use func and inverse_func of numpy "
        "(numpy.log1p, numpy.expm1), StandardScaler, MinMaxScaler, PowerTransformer or QuantileTransformer"
    )


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    values = nodes("Reshape", scores(nodes, model.regressor_), nodes.constant([-1, 1], "int64"))
    nodes.finish(_inverse(nodes, model.transformer_, values))


def register() -> None:
    register_regressor(TransformedTargetRegressor, _convert)
