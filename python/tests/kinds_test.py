"""Models as people fit them: exported with the library's answers, or refused in one sentence that says what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier, VotingClassifier
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, SplineTransformer, StandardScaler
from xgboost import XGBClassifier, __version__ as xgboost_version

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import servemodel

random = np.random.default_rng(1)
N = 300
NUMBERS = pd.DataFrame(random.normal(size=(N, 3)), columns=["age group", "net sales (EUR)", "c"])
GAPS = NUMBERS.mask(random.random(NUMBERS.shape) < 0.1)
YES = (NUMBERS["c"] > 0).astype(int)
CITY = pd.Series(random.choice(["Kiel", "Ulm"], N))
MIXED = NUMBERS.assign(city=CITY)
COLUMNS = ColumnTransformer(
    [("c", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("n", "passthrough", ["c"])], verbose_feature_names_out=False
)
VOTERS = [("l", LGBMClassifier(n_estimators=5, verbose=-1)), ("r", LogisticRegression())]
PERCEPTRON = MLPClassifier((64, 32), max_iter=60, random_state=0)

CATEGORIES = NUMBERS.assign(city=CITY.astype("category"))
CODED = make_pipeline(
    ColumnTransformer([("n", "passthrough", ["c"]), ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city"])]), HistGradientBoostingClassifier(categorical_features=[1])
)

EXPORTED = {
    "categories of LightGBM": (LGBMClassifier(n_estimators=5, verbose=-1), CATEGORIES),
    "categories of XGBoost": (XGBClassifier(n_estimators=5, enable_categorical=True), CATEGORIES),
    "categories of HistGradientBoosting": (HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype"), CATEGORIES),
    "codes that HistGradientBoosting takes as categories": (CODED, MIXED),
    "a search": (GridSearchCV(make_pipeline(COLUMNS, LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2), MIXED),
    "names with spaces, which LightGBM changes": (LGBMClassifier(n_estimators=5, verbose=-1), NUMBERS),
    "soft voting with LightGBM": (VotingClassifier(VOTERS, voting="soft"), NUMBERS),
    "splines": (make_pipeline(SplineTransformer(extrapolation="linear"), LogisticRegression()), NUMBERS),
    "splines that repeat": (make_pipeline(SplineTransformer(degree=2, extrapolation="periodic", include_bias=False), LogisticRegression()), NUMBERS),
    "hard votes": (VotingClassifier(VOTERS), NUMBERS),
    "the nearest centroid": (NearestCentroid(), NUMBERS),
    "missing numbers of the nearest rows": (make_pipeline(KNNImputer(weights="distance"), LogisticRegression()), GAPS),
    "a perceptron": (make_pipeline(StandardScaler(), PERCEPTRON), NUMBERS),
}
# Before that, XGBoost doesn't note which category has which code.
XGBOOST_NOTES_CATEGORIES = tuple(map(int, xgboost_version.split(".")[:2])) >= (3, 1)
if not XGBOOST_NOTES_CATEGORIES:
    del EXPORTED["categories of XGBoost"]



@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXPORTED)
def test_exports(name: str, tmp_path: Path) -> None:
    model, frame = EXPORTED[name]
    result = servemodel.export(model.fit(frame, YES), frame, tmp_path / "m" / "1")
    assert (result.agreement.complete, result.agreement.rows) == (True, N)
    assert set(column.name for column in result.columns) <= set(frame.columns)


NUMBERED = NUMBERS.assign(city=(NUMBERS["c"] > 0.5).astype(int).astype("category"))
ACCENTS = NUMBERS.assign(city=CITY.map({"Kiel": "Köln", "Ulm": "Ülm"}).astype("category"))
FLAGS = NUMBERS.assign(member=(NUMBERS["c"] > 0.5).astype("category"))
AS_IT_IS = ColumnTransformer([("all", "passthrough", ["c", "city"])], verbose_feature_names_out=False).set_output(transform="pandas")
MAYBE = NUMBERS[["c"]].assign(member=pd.Series(random.random(N) > 0.5).astype("boolean").where(NUMBERS["c"] < 1))
DAY = NUMBERS[["c"]].assign(day=pd.Timestamp("2024-01-01"))
ONLY_C = make_pipeline(ColumnTransformer([("n", "passthrough", ["c"]), ("d", "drop", ["day"])]), LogisticRegression())
BY_NUMBER = make_pipeline(ColumnTransformer([("n", "passthrough", [1])]), LogisticRegression())


@pytest.mark.parametrize("model", [ONLY_C, BY_NUMBER], ids=["drop", "remainder, by number"])
def test_dropped_columns_are_not_in_the_signature(model: Any, tmp_path: Path) -> None:
    frame = DAY[["day", "c"]]
    result = servemodel.export(fitted(model, frame), frame, tmp_path / "m" / "1")
    assert [column.name for column in result.columns] == ["c"]
    numbers = DAY[["day", "c"]].assign(day=1.5)
    kept = servemodel.export(fitted(model, numbers), numbers, tmp_path / "m" / "2", keep=["day"])
    assert [column.name for column in kept.columns] == ["day", "c"]


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OneHotEncoder(drop="first"), OrdinalEncoder()], ids=str)
def test_a_column_whose_encoder_refuses_unknown_categories_is_closed(encoder: Any, tmp_path: Path) -> None:
    columns = ColumnTransformer([("c", encoder, ["city"]), ("n", "passthrough", ["c"])])
    model = make_pipeline(columns, LogisticRegression()).fit(MIXED, YES)
    result = servemodel.export(model, MIXED, tmp_path / "m" / "1")
    closed = {column.name: column.closed for column in result.columns}
    assert (closed, result.columns[-1].categories) == ({"c": False, "city": True}, ("Kiel", "Ulm"))


def test_a_date_that_is_used_is_refused(tmp_path: Path) -> None:
    model = RandomForestClassifier(3).fit(DAY.assign(day=np.arange(N)), YES)
    with pytest.raises(servemodel.ExportError, match="column day holds dates.*number.*text"):
        servemodel.export(model, DAY, tmp_path / "m" / "1")


def test_rows_that_the_library_refuses_are_refused_or_the_model_is(tmp_path: Path) -> None:
    # The logarithm of a negative number isn't a number: both sides refuse it.
    rows = NUMBERS[["c"]].abs()
    logarithm = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()).fit(rows, YES)
    assert servemodel.export(logarithm, rows, tmp_path / "m" / "1").agreement.complete
    counts = pd.DataFrame({"n": random.integers(0, 3, N)})
    with pytest.raises(servemodel.ExportError, match="its ONNX form can't refuse them.*such a row is n:"):
        servemodel.export(CategoricalNB().fit(counts, YES), counts, tmp_path / "n" / "1")


def test_thresholds_between_decimals_are_those_of_float64(tmp_path: Path) -> None:
    # The middle of 0.1 and 0.7 is 0.39999999999999997, below 0.4, and both are the same in float32.
    steps = pd.DataFrame({"x": np.tile([0.1, 0.7], 200)})
    model = HistGradientBoostingRegressor(max_iter=3).fit(steps, steps["x"] * 10)
    held = pd.DataFrame({"x": [0.4, 0.39]})
    servemodel.export(model, steps, tmp_path / "m" / "1")
    session = onnxruntime.InferenceSession(str(tmp_path / "m" / "1" / "model.onnx"))
    feeds = {one.name: held[one.name].to_numpy("float32").reshape(-1, 1) for one in session.get_inputs()}
    assert np.allclose(session.run(None, feeds)[0].ravel(), model.predict(held))


def test_whole_numbers_that_are_computed_otherwise_than_floats_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": random.integers(1, 9, N)})
    model = make_pipeline(FunctionTransformer(np.reciprocal), LogisticRegression()).fit(frame, YES)
    with pytest.raises(servemodel.ExportError, match="whole numbers of n otherwise"):
        servemodel.export(model, frame, tmp_path / "m" / "1")


def fitted(model: Any, frame: pd.DataFrame, target: Any = YES) -> Any:
    return model.fit(frame, target)


class Mine(LogisticRegression):
    """An estimator of one's own."""


class Failing(LogisticRegression):
    """Raises what no library documents."""

    def predict_proba(self, rows: Any) -> Any:
        raise KeyError("odd")


REFUSED = {
    "categories of LightGBM behind other steps": (
        lambda: fitted(make_pipeline(AS_IT_IS, LGBMClassifier(n_estimators=5, verbose=-1)), CATEGORIES), CATEGORIES, "behind other steps"),
    "categories of XGBoost behind other steps": (
        lambda: fitted(make_pipeline(AS_IT_IS, XGBClassifier(n_estimators=5, enable_categorical=True)), CATEGORIES), CATEGORIES,
        "behind other steps"),
    "categories of HistGradientBoosting behind other steps": (
        lambda: fitted(make_pipeline(AS_IT_IS, HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")), CATEGORIES), CATEGORIES, "OrdinalEncoder"),
    "categories that are numbers in XGBoost": (
        lambda: fitted(XGBClassifier(n_estimators=5, enable_categorical=True), NUMBERED), NUMBERED, "column city has categories that are numbers"),
    "categories outside ASCII in XGBoost": (
        lambda: fitted(XGBClassifier(n_estimators=5, enable_categorical=True), ACCENTS), ACCENTS, "letters outside ASCII"),
    "categories that are booleans": (
        lambda: fitted(LGBMClassifier(n_estimators=5, verbose=-1), FLAGS), FLAGS, "neither texts nor whole numbers"),
    "categories of CatBoost": (
        lambda: CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False, cat_features=["city"]).fit(MIXED, YES), MIXED, "CatBoost knows the categories of city"),
    "booleans that are missing": (
        lambda: fitted(HistGradientBoostingClassifier(max_iter=5), MAYBE.astype(float)), MAYBE, "column member has .* 0 and 1"),
    "the same as objects": (
        lambda: fitted(HistGradientBoostingClassifier(max_iter=5), MAYBE.astype(float)), MAYBE.astype(object).assign(c=NUMBERS["c"]),
        "column member has .* 0 and 1"),
    "an estimator of one's own": (lambda: fitted(Mine(), NUMBERS), NUMBERS, "Mine is code of one's own.*compute the column.*update_registered_converter"),
    "an error of an undocumented type": (lambda: fitted(Failing(), NUMBERS), NUMBERS, "'odd'"),
}  # fmt: skip
if not XGBOOST_NOTES_CATEGORIES:
    for one in ("categories that are numbers in XGBoost", "categories outside ASCII in XGBoost"):
        REFUSED[one] = (*REFUSED[one][:2], "only since version 3.1")



@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_refuses_in_one_sentence(name: str, tmp_path: Path) -> None:
    make, frame, message = REFUSED[name]
    with pytest.raises(servemodel.ExportError, match=message) as error:
        servemodel.export(make(), frame, tmp_path / "m" / "1")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "m").exists()


def test_a_refusal_that_a_tolerance_lifts_names_it(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), PERCEPTRON).fit(NUMBERS, YES)
    with pytest.raises(servemodel.ExportError, match=r"--tolerance \de-\d+ accepts it") as error:
        servemodel.export(model, NUMBERS, tmp_path / "m" / "1", tolerance=0)
    named = float(str(error.value).split("--tolerance ")[1].split(" ")[0])
    assert servemodel.export(model, NUMBERS, tmp_path / "m" / "1", tolerance=named * 10).agreement.complete


def test_wrong_arguments_stay_the_callers(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        servemodel.export(LogisticRegression(), NUMBERS, tmp_path / "m" / "1", nonsense=1)


class _Chosen(BaseEstimator, TransformerMixin):
    """Code of one's own that takes a frame."""

    def fit(self, frame: pd.DataFrame, actual: object = None) -> _Chosen:
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[["a"]]


@pytest.mark.parametrize("columns", [None, ["a", "b"]])
def test_code_of_ones_own_in_front_is_refused_by_its_name(columns: list[str] | None, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 1, 2, 2]})
    model = make_pipeline(_Chosen(), LogisticRegression()).fit(frame, [0, 0, 1, 1])
    with pytest.raises(servemodel.ExportError, match="_Chosen is code of one's own"):
        servemodel.export(model, frame, tmp_path / "m" / "1", columns=columns)


def test_a_column_that_a_transformer_takes_is_no_target(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 1, 2, 2]})
    model = make_pipeline(ColumnTransformer([("s", StandardScaler(), ["a", "b"])]), LogisticRegression()).fit(frame, [0, 0, 1, 1])
    with pytest.raises(servemodel.ExportError, match="takes the column a, which can't be the target"):
        servemodel.export(model, frame, tmp_path / "m" / "1", target="a")
