"""The models that are tried: every estimator of scikit-learn with default arguments, every objective of the boosters.

A case is a function that fits a model, with the frame that it was fitted on (N rows, the first FITTED of them).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import feature_extraction
from sklearn.feature_extraction.image import PatchExtractor
from sklearn.cross_decomposition import PLSSVD
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn.manifold import TSNE
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, KernelCenterer, LabelBinarizer, LabelEncoder, MultiLabelBinarizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

import data
from booster_cases import booster_fits
from pipeline_cases import pipeline_fits

Fit = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One way of fitting a model: row names that share a name and group are one row of the table."""

    group: str
    name: str
    variant: str
    frame: pd.DataFrame
    fit: Callable[[pd.DataFrame], Any]


NON_NEGATIVE = {"MultinomialNB", "ComplementNB", "CategoricalNB", "BernoulliNB", "NMF", "MiniBatchNMF",
                "LatentDirichletAllocation", "AdditiveChi2Sampler", "SkewedChi2Sampler", "BernoulliRBM", "TfidfTransformer"}  # fmt: skip
POSITIVE_TARGET = {"GammaRegressor", "PoissonRegressor", "TweedieRegressor"}
ONE_COLUMN = {"IsotonicRegression"}
ENCODERS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
VECTORIZERS = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"}
TWO_VALUES = {"CCA", "PLSCanonical", "PLSRegression", "MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso",
              "MultiTaskLassoCV", "MultiOutputRegressor", "RegressorChain"}  # fmt: skip
SEVERAL_VALUES = ("DecisionTreeRegressor", "ExtraTreeRegressor", "ExtraTreesRegressor", "KNeighborsRegressor", "LinearRegression",
                  "MLPRegressor", "RandomForestRegressor", "Ridge")  # fmt: skip
SEVERAL_LABELS = ("DecisionTreeClassifier", "ExtraTreesClassifier", "KNeighborsClassifier", "MLPClassifier", "OneVsRestClassifier",
                  "RandomForestClassifier", "RidgeClassifier")  # fmt: skip
"""Of those that take one target, too: as people use them."""
MIXTURES = ("GaussianMixture", "BayesianGaussianMixture")
TWO_LABELS = {"MultiOutputClassifier", "ClassifierChain"}


def _arguments(kind: type, name: str) -> dict[str, Any]:
    """What a meta-estimator needs, and what makes an estimator fit small data; all else is the default."""
    inner: Any = Ridge() if "Regress" in name else LogisticRegression()
    trees = [("tree", DecisionTreeClassifier(max_depth=3)), ("linear", LogisticRegression())]
    values = [("tree", DecisionTreeRegressor(max_depth=3)), ("linear", Ridge())]
    special: dict[str, dict[str, Any]] = {
        "VotingClassifier": {"estimators": trees, "voting": "soft"}, "StackingClassifier": {"estimators": trees},
        "VotingRegressor": {"estimators": values}, "StackingRegressor": {"estimators": values},
        "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1]}},
        "RandomizedSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [0.1, 1]}, "n_iter": 2},
        "ColumnTransformer": {"transformers": [("n", StandardScaler(), ["width", "share"]), ("p", "passthrough", ["rooms"])]},
        "FeatureUnion": {"transformer_list": [("s", StandardScaler()), ("b", KBinsDiscretizer(encode="ordinal"))]},
        "Pipeline": {"steps": [("s", StandardScaler()), ("m", LogisticRegression())]},
        "SparseCoder": {"dictionary": np.eye(4)}, "LocalOutlierFactor": {"novelty": True},
        "RadiusNeighborsClassifier": {"radius": 20.0}, "RadiusNeighborsRegressor": {"radius": 20.0},
        "SelfTrainingClassifier": {"estimator": LogisticRegression()}, "SelectFromModel": {"estimator": LogisticRegression()},
        "RFE": {"estimator": LogisticRegression()}, "RFECV": {"estimator": LogisticRegression()},
        "SequentialFeatureSelector": {"estimator": LogisticRegression()}, "FrozenEstimator": {"estimator": LogisticRegression()},
        "SelectFdr": {"alpha": 0.99}, "SelectFwe": {"alpha": 0.99}, "SelectFpr": {"alpha": 0.99},
        "SelectKBest": {"k": 2}, "SelectPercentile": {"percentile": 50}, "GaussianRandomProjection": {"n_components": 3},
        "GenericUnivariateSelect": {"mode": "k_best", "param": 2}, "SparseRandomProjection": {"n_components": 3},
        "TruncatedSVD": {"n_components": 2}, "IncrementalPCA": {"n_components": 2}, "PCA": {"n_components": 2},
        "GaussianMixture": {"n_components": 3}, "BayesianGaussianMixture": {"n_components": 3}, "HashingVectorizer": {"n_features": 64}, "DictionaryLearning": {"max_iter": 3}, "MiniBatchDictionaryLearning": {"max_iter": 3}, "QuantileTransformer": {"n_quantiles": 50},
    }  # fmt: skip
    found = dict(special.get(name, {}))
    try:
        parameters = set(kind._get_param_names())  # type: ignore[attr-defined]
    except AttributeError:
        parameters = set()
    if "estimator" in parameters and "estimator" not in found and _requires(kind, "estimator"):
        found["estimator"] = inner
    return found


def _frozen(frame: pd.DataFrame) -> Any:
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(LogisticRegression().fit(frame, data.THREE[: len(frame)]))


def _of_records(name: str) -> Callable[[pd.DataFrame], Any]:
    def fit(frame: pd.DataFrame) -> Any:
        made = feature_extraction.DictVectorizer() if name == "DictVectorizer" else feature_extraction.FeatureHasher(16)
        return make_pipeline(made, LogisticRegression()).fit(frame.to_dict("records"), data.THREE[: len(frame)])

    return fit


ALONE: dict[str, Callable[[pd.DataFrame], Any]] = {
    "FrozenEstimator": _frozen,
    "LabelEncoder": lambda frame: LabelEncoder().fit(data.THREE),
    "LabelBinarizer": lambda frame: LabelBinarizer().fit(data.THREE),
    "MultiLabelBinarizer": lambda frame: MultiLabelBinarizer().fit([["a"], ["a", "b"]]),
    "KernelCenterer": lambda frame: KernelCenterer().fit(np.eye(4)),
    "PatchExtractor": lambda frame: PatchExtractor(patch_size=(2, 2)).fit(np.zeros((2, 4, 4))),
    "PLSSVD": lambda frame: PLSSVD(1).fit(frame, data.PAIR[: len(frame)]),
    "TSNE": lambda frame: TSNE().fit(frame.iloc[:60]),
    "DictVectorizer": _of_records("DictVectorizer"),
    "FeatureHasher": _of_records("FeatureHasher"),
}
"""What is fitted in a way of its own: on targets, records, images."""


def _requires(kind: type, parameter: str) -> bool:
    import inspect

    return inspect.signature(kind).parameters[parameter].default is inspect.Parameter.empty


def _frame_of(name: str) -> pd.DataFrame:
    if name in NON_NEGATIVE:
        return data.COUNTS
    if name in ONE_COLUMN:
        return data.NUMBERS[["height"]]
    if name in ENCODERS:
        return data.CITIES
    if name in VECTORIZERS:
        return data.TEXTS
    if name in ("SimpleImputer", "KNNImputer", "IterativeImputer", "MissingIndicator"):
        return data.GAPS
    return data.NUMBERS


def _fitter(make: Fit, target: np.ndarray | None) -> Callable[[pd.DataFrame], Any]:
    def fit(frame: pd.DataFrame) -> Any:
        model = make()
        given = frame.iloc[:, 0] if is_vectorizer(model) else frame
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(given) if target is None else model.fit(given, target[: len(frame)])

    return fit


def is_vectorizer(model: Any) -> bool:
    """Whether a model takes texts rather than a table."""
    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    return type(first).__name__ in VECTORIZERS


CLASSES = [("two classes, texts", data.YES_NO), ("three classes, numbers", data.THREE)]


def _of_scikit_learn() -> Iterator[Case]:
    kinds: dict[str, set[str]] = {}
    for kind in ("classifier", "regressor", "transformer", "cluster"):
        for name, _ in all_estimators(type_filter=kind):
            kinds.setdefault(name, set()).add(kind)
    for name, made in all_estimators():
        of = kinds.get(name, set())
        frame = _frame_of(name)

        def make(made: type = made, name: str = name) -> Any:
            return made(**_arguments(made, name))

        if name in ("Pipeline", "GridSearchCV", "RandomizedSearchCV"):
            of = {"classifier"}
        if name in ALONE:
            yield Case("others", name, "", frame, ALONE[name])
        elif name in TWO_LABELS:
            yield Case("classifiers", name, "two labels", frame, _fitter(make, data.LABELS))
        elif name in TWO_VALUES:
            yield Case("regressors", name, "two values", frame, _fitter(make, data.PAIR))
        elif "classifier" in of:
            several = [("two labels", data.LABELS)] if name in SEVERAL_LABELS else []
            for variant, target in [*CLASSES, *several]:
                if name in ("FixedThresholdClassifier", "TunedThresholdClassifierCV") and target is data.THREE:
                    continue
                yield Case("classifiers", name, variant, frame, _fitter(make, target))
        elif "regressor" in of:
            target = data.POSITIVE if name in POSITIVE_TARGET else data.VALUE
            one_value = "one value" if name in SEVERAL_VALUES else ""
            yield Case("regressors", name, one_value, frame, _fitter(make, target))
            if one_value:
                yield Case("regressors", name, "two values", frame, _fitter(make, data.PAIR))
        elif name in ("IsolationForest", "LocalOutlierFactor", "OneClassSVM", "EllipticEnvelope", "SGDOneClassSVM"):
            yield Case("outliers", name, "", frame, _fitter(make, None))
        elif "cluster" in of:
            yield Case("clusterers", name, "", frame, _fitter(make, None))
        elif name in MIXTURES:
            yield Case("clusterers", name, "", frame, _fitter(make, None))
        elif "transformer" in of or name in VECTORIZERS:
            def before(make: Fit = make) -> Any:
                return make_pipeline(make(), LogisticRegression(max_iter=300))

            yield Case("transformers", name, "in front of a model", frame, _fitter(before, data.THREE))
            yield Case("transformers", name, "alone", frame, _fitter(make, data.THREE))
        else:
            yield Case("others", name, "", frame, _fitter(make, None))


def _linear(*steps: Any) -> Fit:
    return lambda: make_pipeline(*steps, LogisticRegression(max_iter=300))


def all_cases() -> list[Case]:
    boosters = [Case(group, name, "", data.NUMBERS, fit) for group, name, fit in booster_fits()]
    pipelines = [Case(group, name, "", frame, fit) for group, name, frame, fit in pipeline_fits()]
    return [*_of_scikit_learn(), *pipelines, *boosters]
