"""Tests of scripts/models/export.py: models that were fitted on a matrix without names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent))
import export
from export import export_model
from servemodel.errors import ExportError

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"b": RANDOM.normal(size=300), "a": RANDOM.normal(size=300)})
HIGH = (FRAME["a"] > 0).to_numpy()
BY_POSITION = r"names are taken by position: b, a; .* with --columns b,a$"
FITTED = {
    "forest": RandomForestClassifier(5, random_state=0),
    "LightGBM": LGBMClassifier(n_estimators=3, verbose=-1),
    "XGBoost": XGBClassifier(n_estimators=3),
    "pipeline": make_pipeline(StandardScaler(), LGBMClassifier(n_estimators=3, verbose=-1)),
    "columns by number": make_pipeline(
        ColumnTransformer([("n", StandardScaler(), [0, 1])]), RandomForestClassifier(5, random_state=0)),
}  # fmt: skip


def fitted(name: str, *columns: str) -> Any:
    return FITTED[name].fit(FRAME[list(columns)].to_numpy(), HIGH)


def inputs(folder: Path) -> list[str]:
    return [entry["name"] for entry in json.loads((folder / "model.json").read_text())["inputs"]]


@pytest.mark.parametrize("name", FITTED)
def test_the_order_of_the_matrix_is_asked_for(name: str, tmp_path: Path) -> None:
    model = fitted(name, "a", "b")
    with pytest.raises(ExportError, match=BY_POSITION):
        export_model(model, FRAME, tmp_path / "m" / "1")
    assert not (tmp_path / "m").exists()
    frame = FRAME.assign(y=HIGH)
    right = export_model(model, frame, tmp_path / "m" / "1", target="y", columns=["a", "b"])
    wrong = export_model(model, frame, tmp_path / "m" / "2", target="y", columns=["b", "a"])
    assert inputs(tmp_path / "m" / "1") == ["a", "b"]
    assert inputs(tmp_path / "m" / "2") == ["b", "a"]
    assert right.metrics["accuracy"] > 0.95 > 0.7 > wrong.metrics["accuracy"]
    golden = json.loads((tmp_path / "m" / "1" / "golden.json").read_text())
    assert golden["columns"] == ["a", "b"]
    assert model.predict(np.asarray(golden["data"], dtype="float64")).tolist() == golden["predictions"]
    assert "by position" in (tmp_path / "m" / "1" / "CARD.md").read_text()


def test_columns_of_the_frame_that_are_no_column_of_the_matrix_are_left_out(tmp_path: Path) -> None:
    export_model(fitted("forest", "a", "b"), FRAME.assign(id=1.0), tmp_path / "m" / "1", columns=["a", "b"])
    assert inputs(tmp_path / "m" / "1") == ["a", "b"]


def test_an_order_that_can_only_be_one_is_not_asked_for(tmp_path: Path) -> None:
    export_model(fitted("forest", "a"), FRAME[["a"]], tmp_path / "m" / "1")
    export_model(fitted("forest", "a", "b"), pd.DataFrame(FRAME[["a", "b"]].to_numpy()), tmp_path / "m" / "2")
    assert inputs(tmp_path / "m" / "2") == ["0", "1"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a"], r"fitted on 2 unnamed columns, but --columns has 1: a"),
        (["a", "a"], "--columns names a column twice"),
        (["a", "c"], r"no column c; see --columns"),
        (["a", ""], r"no column ; see --columns"),
    ],
)
def test_columns_that_are_no_order_of_the_matrix(columns: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=message):
        export_model(fitted("forest", "a", "b"), FRAME, tmp_path / "m" / "1", columns=columns)


def test_a_model_that_knows_its_columns_is_held_to_them(tmp_path: Path) -> None:
    model = RandomForestClassifier(5, random_state=0).fit(FRAME[["a", "b"]], HIGH)
    with pytest.raises(ExportError, match="--columns: the model was fitted on a, b, in this order"):
        export_model(model, FRAME, tmp_path / "m" / "1", columns=["b", "a"])
    export_model(model, FRAME, tmp_path / "m" / "1", columns=["a", "b"])
    assert "by position" not in (tmp_path / "m" / "1" / "CARD.md").read_text()


def test_on_the_command_line_the_columns_are_a_line_of_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["net, EUR", "it's b"]
    FRAME[["a", "b"]].set_axis(names, axis=1)[names[::-1]].to_csv(tmp_path / "rows.csv", index=False)
    joblib.dump(fitted("forest", "a", "b"), tmp_path / "model.joblib")
    arguments = [str(tmp_path / "model.joblib"), str(tmp_path / "rows.csv"), str(tmp_path / "m" / "1")]
    assert export.main(arguments) == 1
    error = capsys.readouterr().err
    assert "names are taken by position: it's b, net, EUR;" in error
    assert error.count("\n") == 1
    assert export.main([*arguments, "--columns", "\"net, EUR\",it's b"]) == 0
    assert "names are taken by position     net, EUR, it's b" in capsys.readouterr().out
    assert inputs(tmp_path / "m" / "1") == names
