"""Columns of texts with missing cells. Their served answers are in scripts/models/exported.test.ts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import servemodel
from servemodel.missing_texts import RESERVED

ROWS = 120


def frame(missing: Any, *more: str) -> pd.DataFrame:
    random = np.random.default_rng(0)
    cells = random.choice(np.array(["Kiel", "Ulm", "Jena", *more], dtype=object), ROWS)
    cells[::9] = missing
    return pd.DataFrame({"city": pd.Series(cells, dtype=object), "amount": random.normal(size=ROWS)})


def fitted(rows: pd.DataFrame, *steps: Any) -> Any:
    columns = ColumnTransformer([("c", make_pipeline(*steps), ["city"]), ("n", "passthrough", ["amount"])])
    return make_pipeline(columns, LogisticRegression()).fit(rows, (rows["amount"] > 0).astype(int))


def one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore")


def exported(model: Any, rows: pd.DataFrame, folder: Path) -> dict[str, Any]:
    servemodel.export(model, rows, folder / "m" / "1")
    members = json.loads((folder / "m" / "1" / "model.json").read_text(encoding="utf-8"))
    return members["inputs"][0]


def test_the_text_for_null_is_none_of_the_frames(tmp_path: Path) -> None:
    rows = frame(np.nan, RESERVED, f"{RESERVED}{RESERVED[-1]} x")
    entry = exported(fitted(rows, SimpleImputer(strategy="most_frequent"), one_hot()), rows, tmp_path)
    assert entry["nullable"] is True
    assert all(entry["missing"] not in text for text in rows["city"].dropna())


def test_a_model_fitted_for_missing_cells_takes_them_though_the_rows_have_none(tmp_path: Path) -> None:
    rows = frame(np.nan)
    model = fitted(rows, SimpleImputer(strategy="most_frequent"), one_hot())
    assert exported(model, rows.dropna(), tmp_path)["nullable"] is True


def test_a_model_fitted_without_missing_cells_takes_none(tmp_path: Path) -> None:
    rows = frame("Bonn")
    entry = exported(fitted(rows, one_hot()), rows, tmp_path)
    assert (entry["nullable"], entry.get("missing")) == (False, None)


REFUSED = {
    "None, which an imputer of NaN leaves": (
        lambda: fitted(frame(None), SimpleImputer(strategy="most_frequent"), one_hot()), frame(None), "leaves missing cells that are None"),
    "cells that are neither text nor missing": (lambda: fitted(frame("?"), one_hot()), frame(5), "neither text nor missing"),
    "no text at all": (lambda: fitted(frame("?"), one_hot()), frame("?").assign(city=None), "all its cells are missing"),
    "a vectorizer": (
        lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good words", "bad words"], [0, 1]),
        frame(np.nan)[["city"]], "column city has 14 missing cells, which the model doesn't take: impute"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_in_one_sentence(name: str, tmp_path: Path) -> None:
    make, rows, message = REFUSED[name]
    with pytest.raises(servemodel.ExportError, match=message) as error:
        servemodel.export(make(), rows, tmp_path / "m" / "1")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "m").exists()
