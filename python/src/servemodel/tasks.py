"""What a fitted model answers, and why it can't be served where it answers nothing."""

from __future__ import annotations

import json
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_outlier_detector, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from servemodel.errors import ExportError
from servemodel.walk import estimators, final_step

TARGETS = {"LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"}
RECORDS = {"DictVectorizer", "FeatureHasher"}


def _require_fitted(model: Any) -> None:
    last = final_step(model)
    if type(last).__module__.startswith("catboost"):
        # Its estimators have scikit-learn's methods, but not its base.
        fitted = last.is_fitted()
    elif not isinstance(model, BaseEstimator):
        raise ExportError(f"a {type(model).__name__} is no fitted scikit-learn model or pipeline")
    else:
        try:
            check_is_fitted(model)
            fitted = True
        except NotFittedError:
            fitted = False
    if not fitted:
        raise ExportError("the model isn't fitted")


def _objective(model: Any) -> str:
    """The objective of a booster; "" of another model."""
    library = type(model).__module__.split(".")[0]
    if library == "lightgbm":
        return str(model.booster_.dump_model(num_iteration=1).get("objective") or "")
    if library == "xgboost":
        return str(json.loads(model.get_booster().save_config())["learner"]["objective"]["name"])
    return ""


def _ranks(model: Any) -> bool:
    last = final_step(model)
    return type(last).__name__ in ("LGBMRanker", "XGBRanker", "CatBoostRanker") or _objective(last).startswith(("lambdarank", "rank"))


def task_of(model: Any) -> str:
    """A task of models/model.schema.json; of several values or labels a row, that of one.

    Raises ExportError for a model that isn't fitted or answers nothing.
    """
    _require_fitted(model)
    last = final_step(model)
    name = type(last).__name__
    for one in estimators(model):
        if type(one).__name__ in RECORDS:
            raise ExportError(
                f"{type(one).__name__} takes rows as dicts, not as columns: OneHotEncoder in a ColumnTransformer takes its place"
            )
    if name in TARGETS:
        raise ExportError(f"{name} encodes targets: fit the classifier on the classes themselves, which the server then answers")
    if is_outlier_detector(model):
        if not hasattr(model, "predict"):
            raise ExportError(f"{name} has no predict, so it can't answer rows that it wasn't fitted on: fit it with novelty=True")
        return "outlier-detection"
    # A mixture answers with a component, and the probability of each.
    if is_classifier(model) or (hasattr(model, "predict_proba") and hasattr(last, "weights_")):
        return "classification"
    if _ranks(model):
        return "ranking"
    if is_regressor(model):
        return "regression"
    if hasattr(model, "predict"):
        return "clustering" if hasattr(last, "labels_") else _refused(f"{name} is of no kind that the server answers: fit a classifier or a regressor on its answers")
    if hasattr(model, "transform"):
        return "transformation"
    return _refused(f"{name} has no predict, so it can't answer rows that it wasn't fitted on: fit a classifier or a regressor on its results")


def _refused(why: str) -> str:
    raise ExportError(why)
