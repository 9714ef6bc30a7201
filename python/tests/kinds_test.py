"""Models as people fit them: exported with the library's answers, or refused in one sentence that says what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import servemodel

random = np.random.default_rng(1)
N = 300
NUMBERS = pd.DataFrame(random.normal(size=(N, 3)), columns=["age group", "net sales (EUR)", "c"])
YES = (NUMBERS["c"] > 0).astype(int)
CITY = pd.Series(random.choice(["Kiel", "Ulm"], N))
MIXED = NUMBERS.assign(city=CITY)
COLUMNS = ColumnTransformer(
    [("c", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("n", "passthrough", ["c"])], verbose_feature_names_out=False
)
VOTERS = [("l", LGBMClassifier(n_estimators=5, verbose=-1)), ("r", LogisticRegression())]
PERCEPTRON = MLPClassifier((64, 32), max_iter=60, random_state=0)

EXPORTED = {
    "a search": (GridSearchCV(make_pipeline(COLUMNS, LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2), MIXED),
    "names with spaces, which LightGBM changes": (LGBMClassifier(n_estimators=5, verbose=-1), NUMBERS),
    "soft voting with LightGBM": (VotingClassifier(VOTERS, voting="soft"), NUMBERS),
    "a perceptron": (make_pipeline(StandardScaler(), PERCEPTRON), NUMBERS),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXPORTED)
def test_exports(name: str, tmp_path: Path) -> None:
    model, frame = EXPORTED[name]
    result = servemodel.export(model.fit(frame, YES), frame, tmp_path / "m" / "1")
    assert (result.agreement.complete, result.agreement.rows) == (True, N)
    assert set(column.name for column in result.columns) <= set(frame.columns)


CATEGORIES = NUMBERS.assign(city=CITY.astype("category"))
MAYBE = NUMBERS[["c"]].assign(member=pd.Series(random.random(N) > 0.5).astype("boolean").where(NUMBERS["c"] < 1))
DAY = NUMBERS[["c"]].assign(day=pd.Timestamp("2024-01-01"))
ONLY_C = make_pipeline(ColumnTransformer([("n", "passthrough", ["c"]), ("d", "drop", ["day"])]), LogisticRegression())


def fitted(model: Any, frame: pd.DataFrame, target: Any = YES) -> Any:
    return model.fit(frame, target)


class Mine(LogisticRegression):
    """An estimator of one's own."""


class Failing(LogisticRegression):
    """Raises what no library documents."""

    def predict_proba(self, rows: Any) -> Any:
        raise KeyError("odd")


REFUSED = {
    "categories of LightGBM": (lambda: fitted(LGBMClassifier(n_estimators=5, verbose=-1), CATEGORIES), CATEGORIES, "OrdinalEncoder"),
    "categories of XGBoost": (lambda: fitted(XGBClassifier(n_estimators=5, enable_categorical=True), CATEGORIES), CATEGORIES, "city"),
    "categories of HistGradientBoosting": (
        lambda: fitted(HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype"), CATEGORIES),
        CATEGORIES, "OrdinalEncoder"),
    "several labels": (
        lambda: fitted(RandomForestClassifier(5), NUMBERS, np.c_[YES, 1 - YES]), NUMBERS, "more than one label a row"),
    "booleans that are missing": (
        lambda: fitted(HistGradientBoostingClassifier(max_iter=5), MAYBE.astype(float)), MAYBE, "column member has .* 0 and 1"),
    "the same as objects": (
        lambda: fitted(HistGradientBoostingClassifier(max_iter=5), MAYBE.astype(float)), MAYBE.astype(object).assign(c=NUMBERS["c"]),
        "column member has .* 0 and 1"),
    "dates": (lambda: fitted(ONLY_C, DAY), DAY, "column day holds dates"),
    "an estimator of one's own": (lambda: fitted(Mine(), NUMBERS), NUMBERS, "Mine has no ONNX form; .*compute the column"),
    "an error of an undocumented type": (lambda: fitted(Failing(), NUMBERS), NUMBERS, "'odd'"),
}  # fmt: skip


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
        servemodel.export(model, NUMBERS, tmp_path / "m" / "1", tolerance=1e-9)
    named = float(str(error.value).split("--tolerance ")[1].split(" ")[0])
    assert servemodel.export(model, NUMBERS, tmp_path / "m" / "1", tolerance=named * 10).agreement.complete


def test_wrong_arguments_stay_the_callers(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        servemodel.export(LogisticRegression(), NUMBERS, tmp_path / "m" / "1", nonsense=1)
