"""Export must ask both sides about many columns at once: a question for each makes the time grow with their square."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import servemodel
from servemodel import missing
from servemodel.parity import Session


def wide(columns: int) -> pd.DataFrame:
    values = np.random.default_rng(1).normal(size=(200, columns))
    return pd.DataFrame(values, columns=[f"gene {at}" for at in range(columns)])


def test_a_wide_frame_is_asked_in_few_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = wide(400)
    model = RandomForestClassifier(5, max_depth=3, random_state=0).fit(frame, frame["gene 7"] > 0)
    asked = []
    answer = Session.answer
    monkeypatch.setattr(Session, "answer", lambda self, rows: asked.append(len(rows)) or answer(self, rows))
    result = servemodel.export(model, frame, tmp_path / "m" / "1")
    assert len(result.columns) == 400
    assert len(asked) < 20


def test_columns_that_may_be_missing_are_found_among_those_that_may_not(tmp_path: Path) -> None:
    frame = wide(9)
    names = list(frame.columns)
    free = [names[at] for at in (0, 3, 4, 8)]
    columns = ColumnTransformer([("i", SimpleImputer(), free), ("n", "passthrough", [n for n in names if n not in free])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame, frame["gene 7"] > 0)
    result = servemodel.export(model, frame, tmp_path / "m" / "1")
    assert [column.name for column in result.columns if column.nullable] == free


def test_a_column_that_is_seldom_used_is_not_nullable_by_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only 4 rows are asked, and in none of them "b" is looked at.
    monkeypatch.setattr(missing, "ROWS", 1)
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.choice([-1.0, 1.0], 300), "b": random.normal(size=300)})
    frame.loc[::75, "a"] = -1.0
    model = RandomForestClassifier(15, random_state=0, max_features=None).fit(frame, (frame["a"] > 0) & (frame["b"] > 0.3))
    result = servemodel.export(model, frame, tmp_path / "m" / "1")
    assert {column.name: column.nullable for column in result.columns}["b"] is False
