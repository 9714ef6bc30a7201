"""A model in the form that skl2onnx takes, with the same answers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from servemodel.converters.sparse import with_missing_zeros

WRAPPERS = {"FrozenEstimator": "estimator"}


def best(model: Any) -> Any:
    """The model that a search found, by which it predicts; any other as it is."""
    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    return model


def unwrapped(model: Any) -> Any:
    """What answers for a search, a frozen or a self-trained model: its best or only estimator."""
    while True:
        inner = getattr(model, "best_estimator_", None)
        if inner is None and isinstance(model, SelfTrainingClassifier):
            inner = model.estimator_
        if inner is None and type(model).__name__ in WRAPPERS:
            inner = getattr(model, WRAPPERS[type(model).__name__])
        if inner is None:
            return model
        model = inner


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def prepared(model: Any) -> Any:
    """A copy of the model without wrappers, at any depth; the model's own objects stay as they are."""
    model = unwrapped(model)
    if isinstance(model, Pipeline):
        return _with(model, steps=[(name, prepared(step)) for name, step in with_missing_zeros(model)])
    if isinstance(model, ColumnTransformer):
        return _with(model, transformers_=[(name, prepared(step), *rest) for name, step, *rest in model.transformers_])
    if isinstance(model, FeatureUnion):
        return _with(model, transformer_list=[(name, prepared(step)) for name, step in model.transformer_list])
    if hasattr(model, "calibrated_classifiers_"):
        return _with(model, calibrated_classifiers_=[_with(one, estimator=prepared(one.estimator)) for one in model.calibrated_classifiers_])
    changes: dict[str, Any] = {}
    if hasattr(model, "estimators_") and isinstance(model.estimators_, list) and _has_wrapped(model.estimators_):
        changes["estimators_"] = _mapped(model.estimators_, prepared)
    for name in ("estimator_", "final_estimator_", "regressor_"):
        if hasattr(model, name) and not isinstance(getattr(model, name), str):
            changes[name] = prepared(getattr(model, name))
    if isinstance(model, VotingClassifier) and model.flatten_transform:
        # The form of transform(), which no prediction uses.
        changes["flatten_transform"] = False
    return _with(model, **changes) if changes else model


def _has_wrapped(inner: list[Any]) -> bool:
    """Whether members are more than trees: a forest has thousands, which need no copies."""
    return len(inner) > 0 and not type(inner[0]).__module__.startswith("sklearn.tree")


def _with(model: Any, **changes: Any) -> Any:
    changed = copy.copy(model)
    vars(changed).update(changes)
    return changed
