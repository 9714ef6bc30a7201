"""Pipelines as people build them: what is around an estimator, and what is inside of a meta-estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, LinearSVC

import data

Fit = Callable[[pd.DataFrame], Any]
Row = tuple[str, pd.DataFrame, Fit]
FUNCTIONS = ["log1p", "sqrt", "abs", "exp", "log", "square", "expm1", "log2", "log10", "cbrt", "sin", "cos", "tanh", "sign", "floor",
             "ceil", "rint", "negative", "reciprocal", "isnan"]  # fmt: skip


def _lightgbm(kind: str = "LGBMClassifier", **more: Any) -> Any:
    import lightgbm

    return getattr(lightgbm, kind)(n_estimators=5, verbose=-1, n_jobs=1, **more)


def _xgboost(kind: str = "XGBClassifier", **more: Any) -> Any:
    import xgboost

    return getattr(xgboost, kind)(n_estimators=5, n_jobs=1, **more)


def _catboost(kind: str = "CatBoostClassifier") -> Any:
    import catboost

    return getattr(catboost, kind)(iterations=5, silent=True, allow_writing_files=False, thread_count=1)


def _columns(**more: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [("city", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("numbers", "passthrough", ["width", "height"])], **more
    )


def _classes(make: Callable[[], Any], frame: pd.DataFrame = data.NUMBERS, target: np.ndarray = data.THREE) -> tuple[pd.DataFrame, Fit]:
    return frame, lambda rows: make().fit(rows, target[: len(rows)])


def _values(make: Callable[[], Any], frame: pd.DataFrame = data.NUMBERS, target: np.ndarray = data.VALUE) -> tuple[pd.DataFrame, Fit]:
    return frame, lambda rows: make().fit(rows, target[: len(rows)])


def _linear(*steps: Any) -> Any:
    return make_pipeline(*steps, LogisticRegression(max_iter=300))


class Ratio(StandardScaler):
    """A transformer of one's own."""

    def transform(self, rows: Any, copy: Any = None) -> Any:
        return super().transform(rows) / 2


def own_function(rows: Any) -> Any:
    """A function of one's own."""
    return rows


def _transformers() -> Iterator[tuple[str, tuple[pd.DataFrame, Fit]]]:
    yield "OneHotEncoder(handle_unknown='ignore')", _classes(lambda: _linear(OneHotEncoder(handle_unknown="ignore")), data.CITIES)
    yield "OneHotEncoder(handle_unknown='infrequent_if_exist', min_frequency=80)", _classes(
        lambda: _linear(OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=80)), data.CITIES)  # fmt: skip
    yield "OneHotEncoder(handle_unknown='ignore', drop='if_binary')", _classes(
        lambda: _linear(OneHotEncoder(handle_unknown="ignore", drop="if_binary")), data.CITIES)  # fmt: skip
    yield "OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1)", _classes(
        lambda: _linear(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)), data.CITIES)  # fmt: skip
    for encode in ("onehot", "onehot-dense", "ordinal"):
        for strategy in ("uniform", "quantile", "kmeans"):
            made = KBinsDiscretizer(encode=encode, strategy=strategy)
            yield f"KBinsDiscretizer(encode='{encode}', strategy='{strategy}')", _classes(lambda made=made: _linear(made))
    for name in FUNCTIONS:
        function = getattr(np, name)
        yield f"FunctionTransformer(numpy.{name})", _classes(
            lambda function=function: make_pipeline(FunctionTransformer(function), _lightgbm()))  # fmt: skip
    yield "FunctionTransformer(numpy.log1p) before a linear model", _classes(
        lambda: _linear(ColumnTransformer([("l", FunctionTransformer(np.log1p), ["share", "rooms"])], remainder="passthrough")))
    yield "FunctionTransformer()", _classes(lambda: _linear(FunctionTransformer()))
    yield "FunctionTransformer of a function of one's own", _classes(lambda: _linear(FunctionTransformer(own_function)))
    yield "a transformer of one's own", _classes(lambda: _linear(Ratio()))
    for strategy in ("mean", "median", "most_frequent", "constant"):
        yield f"SimpleImputer(strategy='{strategy}')", _classes(lambda s=strategy: _linear(SimpleImputer(strategy=s)), data.GAPS)
    yield "SimpleImputer(add_indicator=True)", _classes(lambda: _linear(SimpleImputer(add_indicator=True)), data.GAPS)
    yield "SimpleImputer(add_indicator=True), then StandardScaler, in columns", _classes(
        lambda: _linear(ColumnTransformer([("i", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["width", "share"]),
                                           ("j", SimpleImputer(add_indicator=True, strategy="median"), ["rooms", "height"])])), data.GAPS)  # fmt: skip
    yield "KNNImputer, numbers without ties", _classes(lambda: _linear(KNNImputer()), data.FRACTIONS)
    yield "PowerTransformer(method='box-cox')", _classes(lambda: _linear(PowerTransformer(method="box-cox")), data.NUMBERS[["share"]] + 1)
    yield "QuantileTransformer(output_distribution='normal')", _classes(
        lambda: _linear(QuantileTransformer(n_quantiles=50, output_distribution="normal")))  # fmt: skip
    yield "TargetEncoder, two classes", _classes(
        lambda: make_pipeline(TargetEncoder(random_state=0), LogisticRegression()), data.CITIES, data.YES_NO)
    yield "TargetEncoder, values", _values(lambda: make_pipeline(TargetEncoder(random_state=0), Ridge()), data.CITIES)
    yield "FeatureUnion of scaler and bins", _classes(lambda: _linear(FeatureUnion([("s", StandardScaler()), ("b", KBinsDiscretizer())])))


def _frames() -> Iterator[tuple[str, tuple[pd.DataFrame, Fit]]]:
    mixed = data.MIXED
    yield "ColumnTransformer, remainder='drop'", _classes(lambda: _linear(_columns()), mixed)
    yield "ColumnTransformer, remainder='passthrough'", _classes(lambda: _linear(_columns(remainder="passthrough")), mixed)
    dated = mixed.assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(mixed)), "D"))
    yield "a dropped date column", _classes(lambda: _linear(_columns()), dated)
    yield "a dropped column of missing texts", _classes(lambda: _linear(_columns()), mixed.assign(note=None))
    yield "dates as ISO text before OneHotEncoder", _classes(
        lambda: _linear(OneHotEncoder(handle_unknown="ignore")), data.WHEN[["day"]])  # fmt: skip
    yield "dates as days since 2000", _values(
        lambda: _lightgbm("LGBMRegressor"), data.WHEN.assign(day=(pd.to_datetime(data.WHEN["day"]) - pd.Timestamp("2000-01-01")).dt.days))
    yield "dates as datetime64", _values(lambda: RandomForestRegressor(9), dated[["day"]])
    yield "set_output(transform='pandas')", _classes(
        lambda: _linear(_pandas_columns()), mixed)  # fmt: skip
    yield "set_output(transform='pandas') around scalers and LightGBM", _classes(
        lambda: make_pipeline(StandardScaler(), SelectKBest(k=3), _lightgbm()).set_output(transform="pandas"))  # fmt: skip
    for sparse in (0, 1):
        yield f"OneHotEncoder before XGBoost, sparse_threshold={sparse}", _classes(
            lambda s=sparse: make_pipeline(_columns(sparse_threshold=s), _xgboost()), mixed)  # fmt: skip
        yield f"OneHotEncoder before LightGBM, sparse_threshold={sparse}", _classes(
            lambda s=sparse: make_pipeline(_columns(sparse_threshold=s), _lightgbm()), mixed)  # fmt: skip
    yield "OneHotEncoder before CatBoost", _classes(lambda: make_pipeline(_columns(), _catboost()), mixed)
    odd = data.NUMBERS.rename(columns={"width": "net width (m)", "share": "share, %"})
    yield "LightGBM, names with spaces", _classes(_lightgbm, odd.rename(columns={"share, %": "share %"}))
    yield "XGBoost, names with spaces", _classes(_xgboost, odd)


def _pandas_columns() -> Any:
    made = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]),
                              ("n", "passthrough", ["width", "height"])])  # fmt: skip
    return made.set_output(transform="pandas")


def _targets() -> Iterator[tuple[str, tuple[pd.DataFrame, Fit]]]:
    log = {"func": np.log1p, "inverse_func": np.expm1}
    forest = RandomForestRegressor(9, random_state=0)
    for name, made in {
        "log1p, expm1": TransformedTargetRegressor(Ridge(), **log),
        "log, exp, around a forest": TransformedTargetRegressor(forest, func=np.log, inverse_func=np.exp),
        "sqrt, square": TransformedTargetRegressor(Ridge(), func=np.sqrt, inverse_func=np.square),
        "StandardScaler": TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
        "MinMaxScaler": TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()),
        "PowerTransformer": TransformedTargetRegressor(Ridge(), transformer=PowerTransformer()),
        "QuantileTransformer": TransformedTargetRegressor(Ridge(), transformer=QuantileTransformer(n_quantiles=50)),
        "a function of one's own": TransformedTargetRegressor(Ridge(), func=own_function, inverse_func=own_function),
    }.items():
        yield f"TransformedTargetRegressor ({name})", _values(lambda made=made: made, target=data.POSITIVE)
    yield "TransformedTargetRegressor (log1p, expm1) around a pipeline with LightGBM", _values(
        lambda: TransformedTargetRegressor(make_pipeline(_columns(), _lightgbm("LGBMRegressor")), **log), data.MIXED, data.POSITIVE)  # fmt: skip
    yield "HistGradientBoostingRegressor(loss='poisson')", _values(
        lambda: HistGradientBoostingRegressor(max_iter=9, loss="poisson"), target=data.POSITIVE)  # fmt: skip


def _meta() -> Iterator[tuple[str, tuple[pd.DataFrame, Fit]]]:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    members: dict[str, Callable[[], Any]] = {
        "LightGBM": _lightgbm, "XGBoost": _xgboost, "CatBoost": _catboost, "a pipeline": lambda: pipeline,
        "a random forest": lambda: RandomForestClassifier(9, random_state=0),
        "a calibrated LinearSVC": lambda: CalibratedClassifierCV(LinearSVC(), ensemble=False),
    }  # fmt: skip
    linear = ("r", LogisticRegression())
    for name, member in members.items():
        two = (data.YES_NO == "yes").astype(int) if name == "XGBoost" else data.YES_NO
        for kind, target in (("2", two), ("3", data.THREE)):
            yield f"soft voting with {name}, {kind} classes", _classes(
                lambda m=member: VotingClassifier([("l", m()), linear], voting="soft", weights=[2, 1]), target=target)  # fmt: skip
            yield f"StackingClassifier with {name}, {kind} classes", _classes(
                lambda m=member: StackingClassifier([("l", m()), linear], cv=3), target=target)  # fmt: skip
            yield f"CalibratedClassifierCV of {name}, {kind} classes", _classes(
                lambda m=member: CalibratedClassifierCV(m(), cv=3), target=target)  # fmt: skip
            yield f"OneVsRestClassifier of {name}, {kind} classes", _classes(
                lambda m=member: OneVsRestClassifier(m()), target=target)  # fmt: skip
            yield f"BaggingClassifier of {name}, {kind} classes", _classes(
                lambda m=member: BaggingClassifier(m(), 3, random_state=0), target=target)  # fmt: skip
    for name, made in {"RidgeClassifier": RidgeClassifier(), "LinearSVC": LinearSVC(), "SVC": SVC(), "SGDClassifier": SGDClassifier()}.items():
        for method in ("sigmoid", "isotonic"):
            yield f"CalibratedClassifierCV of {name}, {method}", _classes(
                lambda made=made, method=method: CalibratedClassifierCV(made, method=method, ensemble=False, cv=3))  # fmt: skip
    yield "hard voting", _classes(lambda: VotingClassifier([("l", _lightgbm()), linear]))
    yield "SGDClassifier(loss='log_loss')", _classes(lambda: SGDClassifier(loss="log_loss"))
    yield "LogisticRegression(l1)", _classes(lambda: LogisticRegression(solver="saga", C=0.1, l1_ratio=1, max_iter=300))
    yield "soft voting of pipelines with ColumnTransformer", _classes(
        lambda: VotingClassifier([("a", make_pipeline(_columns(), _lightgbm())), ("b", _linear(_columns()))], voting="soft"), data.MIXED)  # fmt: skip
    yield "StackingClassifier of pipelines with ColumnTransformer", _classes(
        lambda: StackingClassifier([("a", make_pipeline(_columns(), _lightgbm())), ("b", _linear(_columns()))], cv=3), data.MIXED)  # fmt: skip
    yield "ColumnTransformer before soft voting", _classes(
        lambda: make_pipeline(_columns(), VotingClassifier([("a", _lightgbm()), linear], voting="soft")), data.MIXED)  # fmt: skip
    yield "GridSearchCV inside of a pipeline", _classes(
        lambda: make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=3)))  # fmt: skip
    yield "GridSearchCV around a pipeline", _classes(
        lambda: GridSearchCV(make_pipeline(_columns(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=3), data.MIXED)  # fmt: skip
    for name, kind in (("LightGBM", _lightgbm("LGBMRegressor")), ("XGBoost", _xgboost("XGBRegressor")), ("CatBoost", _catboost("CatBoostRegressor"))):
        yield f"VotingRegressor with {name}", _values(lambda kind=kind: VotingRegressor([("l", kind), ("r", Ridge())]))
        yield f"StackingRegressor with {name}", _values(lambda kind=kind: StackingRegressor([("l", kind), ("r", Ridge())], cv=3))


def pipeline_fits() -> Iterator[tuple[str, str, pd.DataFrame, Fit]]:
    """Group, name, frame, and how it is fitted."""
    for group, rows in (("transformers", _transformers()), ("columns", _frames()), ("targets", _targets()), ("members", _meta())):
        for name, (frame, fit) in rows:
            yield group, name, frame, fit
