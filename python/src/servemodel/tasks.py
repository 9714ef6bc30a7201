"""What a fitted model answers, and why it can't be served where it answers nothing."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from servemodel.errors import ExportError
from servemodel.walk import estimators, final_step

PROBABILITIES = {
    "SGDClassifier": "fit it with loss='log_loss' or 'modified_huber'",
    "VotingClassifier": "fit it with voting='soft'",
}
TARGETS = {"LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"}
RECORDS = {"DictVectorizer", "FeatureHasher"}
RANKERS = {"LGBMRanker", "XGBRanker", "CatBoostRanker"}


def task_of(model: Any) -> str:
    """classification or regression. Raises ExportError for a model that isn't fitted or is of another kind."""
    last = final_step(model)
    name = type(last).__name__
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
    for one in estimators(model):
        if type(one).__name__ in RECORDS:
            raise ExportError(
                f"{type(one).__name__} takes rows as dicts, not as columns: OneHotEncoder in a ColumnTransformer takes its place"
            )
    if is_classifier(model):
        if not hasattr(model, "predict_proba"):
            advice = PROBABILITIES.get(name, f"fit CalibratedClassifierCV({name}(), ensemble=False) in its place")
            raise ExportError(f"{name} gives no probabilities (predict_proba), which every answer has: {advice}")
        return "classification"
    if is_regressor(model) or name in RANKERS:
        return "regression"
    raise ExportError(_other_kind(model, name))


def _other_kind(model: Any, name: str) -> str:
    if name in TARGETS:
        return f"{name} encodes targets: fit the classifier on the classes themselves, which the server then answers"
    if hasattr(model, "predict"):
        return f"{name} is neither a classifier nor a regressor: fit one on its answers, and export that"
    if hasattr(model, "transform"):
        return f"{name} is a transformer, which predicts nothing: export the pipeline that it is a step of, with the model at its end"
    return f"{name} has no predict, so it can't answer rows that it wasn't fitted on: fit a classifier or a regressor on its results"
