"""Sparse tables in front of XGBoost: what isn't stored in one is 0 to every other estimator, and missing to XGBoost."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from servemodel.converters.nodes import Nodes, of_floats, width_of

DENSE = ("decomposition", "manifold", "kernel_approximation", "cluster", "neural_network")
"""Modules of scikit-learn whose transformers give dense tables."""


class ZerosAreMissing(TransformerMixin, BaseEstimator):
    """Stands in a converted pipeline where the library passes a sparse table on."""


def gives_sparse(step: Any, taken: bool = False) -> bool:
    """Whether a fitted step gives a sparse table; taken: whether it is given one."""
    if isinstance(step, Pipeline):
        for _, one in step.steps:
            taken = gives_sparse(one, taken)
        return taken
    if isinstance(step, ColumnTransformer):
        return bool(step.sparse_output_)
    if isinstance(step, FeatureUnion):
        return any(gives_sparse(one, taken) for _, one in step.transformer_list)
    if isinstance(step, (CountVectorizer, HashingVectorizer, TfidfTransformer)):
        return True
    if hasattr(step, "sparse_output"):
        return bool(step.sparse_output)
    if hasattr(step, "encode"):
        return bool(step.encode == "onehot")
    return taken and not any(f".{module}." in f"{type(step).__module__}." for module in DENSE)


def with_missing_zeros(model: Pipeline) -> list[tuple[str, Any]]:
    """The steps of a pipeline, with one in front of XGBoost where that is given a sparse table."""
    steps: list[tuple[str, Any]] = []
    taken = False
    for name, step in model.steps:
        if taken and type(step).__module__.startswith("xgboost"):
            steps.append((f"{name} zeros", ZerosAreMissing()))
        steps.append((name, step))
        taken = gives_sparse(step, taken)
    return steps


def _shapes(operator: Any) -> None:
    operator.outputs[0].type = of_floats(operator, width_of(operator))


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, operator, container)
    matrix = nodes.doubles()
    zero = nodes("Equal", matrix, nodes.constant([0.0]))
    nodes.finish(nodes("Where", zero, nodes.constant([np.nan]), matrix))


def register() -> None:
    update_registered_converter(ZerosAreMissing, "ServemodelZeros", _shapes, _convert, overwrite=True)
