#!/usr/bin/env python3
"""Export models whose columns of texts have missing cells or categories that the model itself knows, each with rows that it hasn't seen and the library's answers.

    scripts/testing/exportModels.py REPOSITORY [NAME ...]

Writes REPOSITORY/<name>/1/ and, beside it, REPOSITORY/<name>/held.json: rows as clients send them, predictions and
probabilities. Needs scripts/models/requirements.txt.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import servemodel

ROWS, HELD = 400, 250


class Case:
    """A fitted model, its training rows, and held-out rows in the form in which the library takes them."""

    def __init__(self, model: Any, rows: pd.DataFrame, held: pd.DataFrame) -> None:
        self.model, self.rows, self.held = model, rows, held


def texts(random: np.random.Generator, count: int, values: list[str], missing: Any, share: float = 0.15) -> pd.Series:
    cells = random.choice(np.array(values, dtype=object), count)
    cells[random.random(count) < share] = missing
    return pd.Series(cells, dtype=object)


def missing_frames(missing: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows [N, 4] with their target `yes`, and held-out rows [M, 3], some with unknown texts."""
    random = np.random.default_rng(1)

    def frame(count: int, cities: list[str]) -> pd.DataFrame:
        numbers = random.normal(size=count).round(3)
        numbers[random.random(count) < 0.1] = np.nan
        return pd.DataFrame(
            {
                "city": texts(random, count, cities, missing),
                "job": texts(random, count, ["clerk", "cook", "nan", "smith"], missing),
                "amount": numbers,
            }
        )

    rows = frame(ROWS, ["Kiel", "Ulm", "Jena"])
    amounts = rows["amount"].fillna(0)
    yes = ((amounts + random.normal(0, 0.3, ROWS) > 0) ^ (rows["city"] == "Ulm") ^ rows["job"].isna()).astype(int)
    return rows.assign(yes=yes), frame(HELD, ["Kiel", "Ulm", "Jena", "Bonn", ""])


def missing(encoder: Any, model: Any, cell: Any = np.nan) -> Callable[[], Case]:
    def make() -> Case:
        rows, held = missing_frames(cell)
        columns = ColumnTransformer([("texts", encoder, ["city", "job"]), ("numbers", SimpleImputer(), ["amount"])])
        return Case(make_pipeline(columns, model).fit(rows.drop(columns="yes"), rows["yes"]), rows, held)

    return make


def closed() -> Case:
    """An encoder that refuses unknown texts: held-out rows have none."""
    rows, held = missing_frames("none")
    columns = ColumnTransformer([("texts", OneHotEncoder(), ["city", "job"]), ("numbers", SimpleImputer(), ["amount"])])
    known = held[held["city"].isin(rows["city"])].reset_index(drop=True)
    more = pd.concat([known] * 2, ignore_index=True).iloc[:HELD]
    return Case(make_pipeline(columns, LogisticRegression()).fit(rows.drop(columns="yes"), rows["yes"]), rows, more)


def category_frames(cities: int, unknown: bool, codes: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows [N, 4] with their target `yes`, and held-out rows [M, 3], with missing and, if so, unknown categories."""
    random = np.random.default_rng(2)
    names = [f"c{at:03d}" for at in range(cities)]
    # The fitted order is not that of the texts.
    names = names[1::2] + names[::2]

    def frame(count: int, more: list[str], numbers: list[int]) -> pd.DataFrame:
        city = texts(random, count, [*names, *more], np.nan)
        code = pd.Series(random.choice([3, 5, 9, 100, *numbers], count)).where(random.random(count) > 0.1)
        rows = pd.DataFrame(
            {
                "city": pd.Categorical(city, categories=[*names, *more]),
                "amount": np.where(random.random(count) < 0.1, np.nan, random.normal(size=count).round(3)),
            }
        )
        return rows.assign(code=pd.Categorical(code.astype("Int64"), categories=[3, 5, 9, 100, *numbers])) if codes else rows

    rows = frame(ROWS * 3, [], [])
    place = pd.Series(rows["city"].cat.codes)
    value = rows["amount"].fillna(0) + (place * 7 % 3) + random.normal(0, 0.3, len(rows))
    if codes:
        value += rows["code"].isin([5, 100])
    rows = rows.assign(yes=(value > value.median()).astype(int))
    return rows, frame(HELD, ["Bonn", "", "c"] if unknown else [], [4, -1] if unknown else [])


def native(model: Any, cities: int = 20, unknown: bool = True, codes: bool = True, **options: Any) -> Callable[[], Case]:
    def make() -> Case:
        rows, held = category_frames(cities, unknown, codes)
        return Case(model.fit(rows.drop(columns="yes"), rows["yes"], **options), rows, held)

    return make


def one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore")


def ordinal(**options: Any) -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, **options)


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(15, random_state=0)


CASES: dict[str, Callable[[], Case]] = {
    "most-frequent": missing(make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot()), LogisticRegression()),
    "constant": missing(make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), one_hot()), forest()),
    "constant-ordinal": missing(make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), ordinal()), forest()),
    "none": missing(make_pipeline(SimpleImputer(missing_values=None, strategy="constant", fill_value="?"), one_hot()), forest(), None),
    "na": missing(make_pipeline(SimpleImputer(missing_values=pd.NA, strategy="most_frequent"), one_hot()), forest(), pd.NA),
    "own-category": missing(one_hot(), forest()),
    "own-category-none": missing(one_hot(), forest(), None),
    "own-number": missing(ordinal(encoded_missing_value=-2), forest()),
    "own-nan": missing(ordinal(), HistGradientBoostingClassifier(max_iter=20)),
    "closed": closed,
    "lightgbm": native(LGBMClassifier(n_estimators=30, verbose=-1)),
    "lightgbm-many": native(LGBMRegressor(n_estimators=30, verbose=-1, min_data_per_group=5, cat_smooth=1), cities=90),
    "xgboost-one-hot": native(XGBClassifier(n_estimators=20, enable_categorical=True, max_cat_to_onehot=100), unknown=False, codes=False),
    "xgboost-sets": native(
        XGBClassifier(n_estimators=20, enable_categorical=True, max_cat_to_onehot=1), cities=90, unknown=False, codes=False),
    "hist": native(HistGradientBoostingClassifier(max_iter=20)),
    "hist-listed": native(HistGradientBoostingRegressor(max_iter=20, categorical_features=["city", "code"]), cities=90),
}  # fmt: skip


def cells(values: pd.Series) -> list[Any]:
    """A column as JSON has it."""
    return [None if pd.isna(cell) else cell for cell in values.astype(object)]


def write(name: str, case: Case, repository: Path) -> None:
    servemodel.export(case.model, case.rows, repository / name / "1", target="yes")
    held = case.held
    data = list(zip(*(cells(held[column]) for column in held.columns), strict=True))
    answers: dict[str, Any] = {"predictions": case.model.predict(held).tolist()}
    if hasattr(case.model, "predict_proba"):
        answers["probabilities"] = case.model.predict_proba(held).tolist()
    members = {"rows": {"columns": list(held.columns), "data": data}, **answers}
    (repository / name / "held.json").write_text(json.dumps(members), encoding="utf-8")


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    repository, *names = arguments
    for name in names or CASES:
        write(name, CASES[name](), Path(repository))


if __name__ == "__main__":
    main(sys.argv[1:])
