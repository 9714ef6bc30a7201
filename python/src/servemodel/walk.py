"""The estimators inside of a fitted model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

LEAVES = ("sklearn.ensemble._forest", "sklearn.ensemble._gb", "sklearn.ensemble._hist", "sklearn.ensemble._iforest")
"""Their trees are no models of their own."""


def members(model: Any) -> Iterator[Any]:
    """The fitted estimators directly inside of a model."""
    if isinstance(model, Pipeline):
        yield from (step for _, step in model.steps)
    elif isinstance(model, ColumnTransformer):
        yield from (step for _, step, *_ in model.transformers_)
    elif isinstance(model, FeatureUnion):
        yield from (step for _, step in model.transformer_list)
    elif hasattr(model, "calibrated_classifiers_"):
        yield from (one.estimator for one in model.calibrated_classifiers_)
    elif type(model).__name__ == "FrozenEstimator":
        yield model.estimator
    elif not type(model).__module__.startswith(LEAVES):
        for name, value in vars(model).items():
            if name.endswith("_") and not name.startswith("_"):
                yield from value if isinstance(value, list) else [value]


def estimators(model: Any) -> list[Any]:
    """The model and everything within it, each once."""
    found: dict[int, Any] = {}
    waiting = [model]
    while waiting:
        one = waiting.pop()
        # CatBoost has scikit-learn's methods, but not its base.
        if id(one) in found or not (isinstance(one, BaseEstimator) or type(one).__module__.startswith("catboost")):
            continue
        found[id(one)] = one
        waiting += members(one)
    return list(found.values())


def final_step(model: Any) -> Any:
    return final_step(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def library(model: Any) -> str:
    """The package of the estimator that predicts: sklearn, lightgbm, xgboost or catboost."""
    return type(final_step(model)).__module__.split(".")[0]


TREES = ("sklearn.tree", *LEAVES, "lightgbm", "xgboost", "catboost")


def has_trees(model: Any) -> bool:
    """Whether trees are in a model: their form compares in float32, and skl2onnx may not end on thresholds in float64."""
    return any(type(one).__module__.startswith(TREES) for one in estimators(model))
