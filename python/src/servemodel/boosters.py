"""Boosters in their library's own file as fitted estimators, and rows around their thresholds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from servemodel.errors import ExportError
from servemodel.native import refuse_catboost


class Booster(NamedTuple):
    """A fitted estimator, and the names and split points of its columns."""

    model: Any
    names: list[str]
    thresholds: list[np.ndarray]


@contextmanager
def _quiet() -> Iterator[None]:
    """LightGBM writes the fault of a file to the process's own stderr, beside the error that it raises."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _grouped(names: list[str], pairs: list[tuple[str, float]]) -> list[np.ndarray]:
    found: dict[str, list[float]] = {name: [] for name in names}
    for name, value in pairs:
        found[name].append(value)
    return [np.unique(np.asarray(found[name], dtype="float64")) for name in names]


def _lightgbm_splits(node: dict[str, Any], names: list[str], pairs: list[tuple[str, float]]) -> None:
    """Collects thresholds, and the numbers among categories."""
    stack = [node]
    while stack:
        one = stack.pop()
        if "split_feature" not in one:
            continue
        name = names[one["split_feature"]]
        if one["decision_type"] == "==":
            pairs += [(name, float(code)) for code in one["threshold"].split("||")]
        else:
            pairs.append((name, float(one["threshold"])))
        stack += [one["left_child"], one["right_child"]]


def lightgbm_estimator(booster: Any) -> Booster:
    """LightGBM's own estimator around a booster, which has no public way there."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.preprocessing import LabelEncoder

    dump = booster.dump_model()
    names = list(booster.feature_name())
    pairs: list[tuple[str, float]] = []
    for tree in dump["tree_info"]:
        _lightgbm_splits(tree["tree_structure"], names, pairs)
    objective = (dump.get("objective") or "").split(" ")[0]
    classes = 2 if objective == "binary" else dump["num_class"] if objective.startswith("multiclass") else 0
    model = LGBMClassifier() if classes else LGBMRegressor()
    model._Booster, model.fitted_ = booster, True
    model._n_features = model._n_features_in = len(names)
    model._objective = objective or None
    model._fitted_with_feature_names = True
    if classes:
        model._classes, model._n_classes = np.arange(classes), classes
        model._le = LabelEncoder().fit(model._classes)
        model._class_map = {number: number for number in range(classes)}
    return Booster(model, names, _grouped(names, pairs))


def load_lightgbm(path: Path) -> Booster:
    import lightgbm

    try:
        with _quiet():
            booster = lightgbm.Booster(model_file=str(path))
        return lightgbm_estimator(booster)
    except lightgbm.basic.LightGBMError as error:
        raise ExportError(f"{path} isn't read by LightGBM: {str(error)[:200]}") from None


def xgboost_estimator(model: Any) -> Booster:
    """Names and thresholds of a fitted XGBoost estimator."""
    booster = model.get_booster()
    width = booster.num_features()
    names = list(booster.feature_names or [f"f{at}" for at in range(width)])
    pairs: list[tuple[str, float]] = []
    if json.loads(booster.save_config())["learner"]["gradient_booster"]["name"] != "gblinear":
        table = booster.trees_to_dataframe()
        splits = table[(table["Feature"] != "Leaf") & table["Split"].notna()]
        pairs = list(zip(splits["Feature"].map(str), splits["Split"].astype(float), strict=True))
    return Booster(model, names, _grouped(names, pairs))


def around_xgboost(booster: Any) -> Any:
    """XGBoost's own estimator around a booster."""
    import xgboost

    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    # A booster gives probabilities for these, and values for all others.
    classifier = objective in ("binary:logistic", "multi:softprob", "multi:softmax")
    model = xgboost.XGBClassifier() if classifier else xgboost.XGBRegressor()
    # It takes the bytes of a file, too.
    model.load_model(booster.save_raw("json"))
    return model


def load_xgboost(path: Path) -> Booster:
    import xgboost

    try:
        model = around_xgboost(xgboost.Booster(model_file=str(path)))
    except (xgboost.core.XGBoostError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{path} isn't read by XGBoost: {str(error).splitlines()[0][:200]}") from None
    return xgboost_estimator(model)


def catboost_estimator(model: Any) -> Booster:
    """Names and thresholds of a fitted CatBoost estimator."""
    names = [str(name) for name in model.feature_names_]
    refuse_catboost(model)
    borders = model.get_borders()
    return Booster(model, names, [np.asarray(borders.get(at, []), dtype="float64") for at in range(len(names))])


def around_catboost(plain: Any) -> Any:
    """CatBoost's classifier or regressor of a plain CatBoost model."""
    import catboost

    loss = str((plain.get_all_params() or {}).get("loss_function", "")).split(":")[0]
    classifier = loss in ("Logloss", "CrossEntropy", "Focal", "MultiClass", "MultiClassOneVsAll")
    kind = catboost.CatBoostClassifier if classifier else catboost.CatBoostRegressor
    return kind().load_model(blob=plain._serialize_model())


def load_catboost(path: Path) -> Booster:
    import catboost

    try:
        plain = catboost.CatBoost().load_model(str(path))
    except catboost.CatBoostError as error:
        raise ExportError(f"{path} isn't read by CatBoost: {str(error).splitlines()[0][:200]}") from None
    return catboost_estimator(around_catboost(plain))


def as_estimator(model: Any) -> Any:
    """The estimator around a booster of LightGBM, XGBoost or CatBoost; any other model as it is."""
    library, kind = type(model).__module__.split(".")[0], type(model).__name__
    if library == "lightgbm" and kind == "Booster":
        return lightgbm_estimator(model).model
    if library == "xgboost" and kind == "Booster":
        return around_xgboost(model)
    return around_catboost(model) if library == "catboost" and kind == "CatBoost" else model
