"""Every objective of LightGBM, XGBoost and CatBoost, their kinds of trees, and boosters without an estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

import data

Fit = Callable[[pd.DataFrame], Any]
GROUP = 24
"""Rows of a query, for rankers."""
TREES = 8

LIGHTGBM = {
    "values": ["regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie",
               "cross_entropy", "cross_entropy_lambda"],
    "classes": ["binary", "multiclass", "multiclassova"],
    "ranks": ["lambdarank", "rank_xendcg"],
}  # fmt: skip
XGBOOST = {
    "values": ["reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror",
               "reg:logistic", "reg:gamma", "reg:tweedie", "count:poisson", "survival:cox", "survival:aft"],
    "classes": ["binary:logistic", "binary:logitraw", "binary:hinge", "multi:softprob", "multi:softmax"],
    "ranks": ["rank:ndcg", "rank:map", "rank:pairwise"],
}  # fmt: skip
CATBOOST = {
    "values": ["RMSE", "MAE", "Quantile:alpha=0.7", "Expectile:alpha=0.7", "LogLinQuantile:alpha=0.7", "Poisson",
               "Tweedie:variance_power=1.5", "Huber:delta=1", "LogCosh", "Lq:q=2", "MAPE", "RMSEWithUncertainty"],
    "classes": ["Logloss", "CrossEntropy", "Focal:focal_alpha=0.4;focal_gamma=2", "MultiClass", "MultiClassOneVsAll"],
    "ranks": ["YetiRank", "PairLogit", "QueryRMSE", "QuerySoftMax"],
}  # fmt: skip

BOUNDED = {"cross_entropy", "cross_entropy_lambda", "reg:logistic"}
ABOVE_NONE = {"poisson", "gamma", "tweedie", "mape", "reg:squaredlogerror", "reg:gamma", "reg:tweedie", "count:poisson",
              "survival:cox", "survival:aft", "LogLinQuantile:alpha=0.7", "Poisson", "Tweedie:variance_power=1.5", "MAPE"}  # fmt: skip
THREE = {"multiclass", "multiclassova", "multi:softprob", "multi:softmax", "MultiClass", "MultiClassOneVsAll"}
NUMBERED = {"binary:logistic", "binary:logitraw", "binary:hinge", "CrossEntropy"}


def _target(objective: str, kind: str, rows: int) -> np.ndarray:
    if kind == "ranks":
        return data.RELEVANCE[:rows]
    if kind == "classes":
        if objective in THREE:
            return data.THREE[:rows]
        return (data.YES_NO[:rows] == "yes").astype(int) if objective in NUMBERED else data.YES_NO[:rows]
    return (data.SHARES if objective in BOUNDED else data.POSITIVE if objective in ABOVE_NONE else data.VALUE)[:rows]


def _groups(rows: int) -> list[int]:
    return [GROUP] * (rows // GROUP)


def _lightgbm(objective: str, kind: str, **more: Any) -> Fit:
    def fit(frame: pd.DataFrame) -> Any:
        import lightgbm

        made = {"values": lightgbm.LGBMRegressor, "classes": lightgbm.LGBMClassifier, "ranks": lightgbm.LGBMRanker}[kind]
        model = made(n_estimators=TREES, objective=objective, verbose=-1, n_jobs=1, **more)
        extra = {"group": _groups(len(frame))} if kind == "ranks" else {}
        return model.fit(frame, _target(objective, kind, len(frame)), **extra)

    return fit


def _lightgbm_booster(objective: str, kind: str) -> Fit:
    def fit(frame: pd.DataFrame) -> Any:
        import lightgbm

        target = _target(objective, kind, len(frame))
        target = (target == "yes").astype(int) if target.dtype == object else target
        extra = {"num_class": 3} if objective in THREE else {}
        group = _groups(len(frame)) if kind == "ranks" else None
        parameters = {"objective": objective, "verbose": -1, "num_threads": 1, **extra}
        return lightgbm.train(parameters, lightgbm.Dataset(frame, target, group=group), TREES)

    return fit


def _xgboost(objective: str, kind: str, made: str | None = None, **more: Any) -> Fit:
    def fit(frame: pd.DataFrame) -> Any:
        import xgboost

        name = made or {"values": "XGBRegressor", "classes": "XGBClassifier", "ranks": "XGBRanker"}[kind]
        quantile = {"quantile_alpha": 0.7} if objective == "reg:quantileerror" else {}
        model = getattr(xgboost, name)(n_estimators=TREES, objective=objective, n_jobs=1, **quantile, **more)
        extra = {"qid": np.arange(len(frame)) // GROUP} if kind == "ranks" else {}
        target = _target(objective, kind, len(frame))
        if objective == "rank:map":
            target = np.minimum(target, 1)
        return model.fit(frame, target, **extra)

    return fit


def _xgboost_several(name: str, objective: str, target: np.ndarray, **more: Any) -> Fit:
    def fit(frame: pd.DataFrame) -> Any:
        import xgboost

        return getattr(xgboost, name)(n_estimators=TREES, objective=objective, n_jobs=1, **more).fit(frame, target[: len(frame)])

    return fit


def _xgboost_booster(objective: str, kind: str, **more: Any) -> Fit:
    def fit(frame: pd.DataFrame) -> Any:
        import xgboost

        matrix = xgboost.DMatrix(frame, _target(objective, kind, len(frame)))
        if kind == "ranks":
            matrix.set_group(_groups(len(frame)))
        if objective == "survival:aft":
            for bound in ("label_lower_bound", "label_upper_bound"):
                matrix.set_float_info(bound, data.POSITIVE[: len(frame)])
        extra = {"num_class": 3} if objective in THREE else {}
        return xgboost.train({"objective": objective, "nthread": 1, **extra, **more}, matrix, TREES)

    return fit


def _catboost(objective: str, kind: str, made: str | None = None, **more: Any) -> Fit:
    def fit(frame: pd.DataFrame) -> Any:
        import catboost

        name = made or {"values": "CatBoostRegressor", "classes": "CatBoostClassifier", "ranks": "CatBoostRanker"}[kind]
        parameters = {**more, "iterations": TREES, "loss_function": objective, "silent": True, "allow_writing_files": False, "thread_count": 1}
        of = getattr(catboost, name)
        model = of(parameters) if name == "CatBoost" else of(**parameters)
        extra = {"group_id": np.arange(len(frame)) // GROUP} if kind == "ranks" else {}
        return model.fit(frame, _target(objective, kind, len(frame)), **extra)

    return fit


def booster_fits() -> Iterator[tuple[str, str, Fit]]:
    """Group, name, and how it is fitted."""
    for library, objectives, estimator in (
        ("LightGBM", LIGHTGBM, _lightgbm), ("XGBoost", XGBOOST, _xgboost), ("CatBoost", CATBOOST, _catboost),
    ):  # fmt: skip
        for kind, names in objectives.items():
            for name in names:
                if name != "survival:aft":
                    yield library, name, estimator(name, kind)
    for name, kind in (("regression", "values"), ("binary", "classes"), ("multiclass", "classes"), ("lambdarank", "ranks")):
        yield "LightGBM", f"Booster, {name}", _lightgbm_booster(name, kind)
    for boosting in ("dart", "rf"):
        more: dict[str, Any] = {"bagging_freq": 1, "bagging_fraction": 0.7} if boosting == "rf" else {}
        yield "LightGBM", f"boosting={boosting}, regression", _lightgbm("regression", "values", boosting_type=boosting, **more)
        yield "LightGBM", f"boosting={boosting}, binary", _lightgbm("binary", "classes", boosting_type=boosting, **more)
    yield "LightGBM", "linear_tree", _lightgbm("regression", "values", linear_tree=True)
    for name, kind in (("reg:squarederror", "values"), ("survival:aft", "values"), ("binary:logistic", "classes"),
                       ("multi:softprob", "classes"), ("multi:softmax", "classes"), ("rank:ndcg", "ranks")):  # fmt: skip
        yield "XGBoost", f"Booster, {name}", _xgboost_booster(name, kind)
    for name, kind, target in (("XGBRegressor", "reg:squarederror", data.PAIR), ("XGBClassifier", "binary:logistic", data.LABELS)):
        yield "XGBoost", f"{name}, two values", _xgboost_several(name, kind, target)
    yield "XGBoost", "reg:quantileerror, two quantiles", _xgboost_several(
        "XGBRegressor", "reg:quantileerror", data.VALUE, quantile_alpha=[0.1, 0.9])  # fmt: skip
    for booster in ("dart", "gblinear"):
        yield "XGBoost", f"booster={booster}, reg:squarederror", _xgboost("reg:squarederror", "values", booster=booster)
        yield "XGBoost", f"booster={booster}, binary:logistic", _xgboost("binary:logistic", "classes", booster=booster)
        yield "XGBoost", f"booster={booster}, multi:softprob", _xgboost("multi:softprob", "classes", booster=booster)
    yield "XGBoost", "XGBRFClassifier", _xgboost("binary:logistic", "classes", "XGBRFClassifier")
    yield "XGBoost", "XGBRFRegressor", _xgboost("reg:squarederror", "values", "XGBRFRegressor")
    yield "CatBoost", "CatBoost, RMSE", _catboost("RMSE", "values", "CatBoost")
    yield "CatBoost", "CatBoost, Logloss", _catboost("Logloss", "classes", "CatBoost")
