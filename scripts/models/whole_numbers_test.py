"""Tests of scripts/models/export.py: whole numbers stay whole, on rows that the export never saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from xgboost import XGBClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent))
from export import export_model
from servemodel.errors import ExportError

IDS = [20240102, 20240200, 20240302]
REFUSED = "refused"


def prepared(columns: dict[str, Any], model: Any, name: str = "product") -> Pipeline:
    steps = [(f"{at}", step, [name]) for at, step in enumerate(columns.values())]
    return Pipeline([("prepare", ColumnTransformer([*steps, ("q", "passthrough", ["q"])])), ("model", model)])


def one_hot(model: Any, name: str = "product") -> Pipeline:
    return prepared({"c": OneHotEncoder(handle_unknown="ignore")}, model, name)


def ordinal() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def held_by(column: dict[str, Any], kind: str, cell: float) -> bool:
    """Whether the server takes a cell, as server/encoding/cells.ts says."""
    if cell is None or np.isnan(cell):
        return bool(column["nullable"])
    if column["type"] == "integer":
        return float(cell).is_integer() and abs(cell) < 2**53 and (kind != "tensor(float)" or float(np.float32(cell)) == cell)
    return True


def served(folder: Path, held: pd.DataFrame) -> list[Any]:
    """What a client gets for each row: an answer, or REFUSED."""
    signature = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    kinds = {entry.name: entry.type for entry in session.get_inputs()}
    types = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}
    columns = signature["inputs"]
    fits = [all(held_by(column, kinds[column["onnx"]], row[column["name"]]) for column in columns) for row in held.to_dict("records")]
    taken = held[fits]
    feeds = {column["onnx"]: taken[[column["name"]]].to_numpy(types[kinds[column["onnx"]]]) for column in columns}
    output = signature["outputs"].get("probabilities", signature["outputs"].get("value"))
    answers = iter(session.run([output], feeds)[0].tolist() if len(taken) else [])
    return [next(answers) if fit else REFUSED for fit in fits]


def require_own_answers(model: BaseEstimator, folder: Path, held: pd.DataFrame) -> list[Any]:
    """The served answers, once those that aren't refused are the library's."""
    wanted = model.predict_proba(held) if is_classifier(model) else np.asarray(model.predict(held)).reshape(-1, 1)
    answers = served(folder, held)
    for row, (answer, own) in enumerate(zip(answers, wanted.tolist(), strict=True)):
        if answer is not REFUSED:
            np.testing.assert_allclose(answer, own, atol=2e-6, rtol=2e-5, err_msg=f"row {row}: {held.iloc[row].to_dict()}")
    return answers


def products(rows: int = 500, **more: Any) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame({"product": random.choice(IDS, rows), "q": random.normal(size=rows), **more})


def near_ids() -> pd.DataFrame:
    cells = [known + step for known in IDS for step in (-2, -1, 0, 1, 2)] + [0, -1, 2**31, 2**53 - 1]
    return pd.DataFrame({"product": cells, "q": 0.0})


LOOKED_UP = {
    "one-hot": one_hot(LinearRegression()),
    "one-hot before a forest": one_hot(RandomForestClassifier(5, random_state=0)),
    "one-hot before LightGBM": one_hot(LGBMClassifier(n_estimators=5, verbose=-1)),
    "one-hot before XGBoost": one_hot(XGBClassifier(n_estimators=5)),
    "ordinal": prepared({"c": ordinal()}, HistGradientBoostingClassifier(max_iter=5)),
    "behind an imputer": prepared(
        {"c": make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))},
        LogisticRegression()),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKED_UP)
def test_an_id_next_to_a_known_one_is_unknown(name: str, tmp_path: Path) -> None:
    frame = products()
    target = frame["product"] % 97 + frame["q"]
    model = LOOKED_UP[name]
    model.fit(frame, target > target.median() if is_classifier(model) else target)
    export_model(model, frame, tmp_path / "m" / "1")
    answers = require_own_answers(model, tmp_path / "m" / "1", near_ids())
    assert REFUSED not in answers
    assert any(answers[5 * at + 1] != answers[5 * at + 2] for at in range(len(IDS)))


def levels(rows: int = 500) -> pd.DataFrame:
    random = np.random.default_rng(2)
    return pd.DataFrame({"level": random.integers(1, 6, rows).astype(float), "q": random.normal(size=rows)})


FRACTIONS = {
    "one-hot": one_hot(LogisticRegression(), "level"),
    "ordinal": prepared({"c": ordinal()}, LGBMClassifier(n_estimators=5, verbose=-1), "level"),
    "behind an imputer": prepared(
        {"c": make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))},
        LogisticRegression(), "level"),
    "behind an imputer with indicators": prepared(
        {"c": make_pipeline(SimpleImputer(strategy="median", add_indicator=True), OneHotEncoder(handle_unknown="ignore"))},
        LogisticRegression(), "level"),
    "target": prepared({"c": TargetEncoder()}, LogisticRegression(), "level"),
    "beside a scaler": prepared(
        {"c": OneHotEncoder(handle_unknown="ignore"), "s": StandardScaler()}, LogisticRegression(), "level"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "missing"), [*((name, False) for name in FRACTIONS), ("behind an imputer", True)])
def test_a_fraction_is_no_known_category(name: str, missing: bool, tmp_path: Path) -> None:
    model, frame = FRACTIONS[name], levels()
    target = frame["level"] ** 2 + frame["q"] > 9
    if missing:
        frame.loc[::9, "level"] = np.nan
    model.fit(frame, target)
    export_model(model, frame, tmp_path / "m" / "1")
    cells = [2.0, 2.7, 3.0, -0.5, 5.2, 0.0, 6.0, 2**24 + 1, *([np.nan] if missing else [])]
    answers = require_own_answers(model, tmp_path / "m" / "1", pd.DataFrame({"level": cells, "q": 0.0}))
    assert [answers[row] for row in (1, 3, 4)] == [REFUSED] * 3
    assert REFUSED not in [answers[row] for row in (0, 2, 5, 6, *([8] if missing else []))]


def test_a_fraction_that_an_encoder_cannot_be_seen_to_know_is_tried(tmp_path: Path) -> None:
    # LightGBM's own categories, behind a step: it cuts fractions off, and its graph compares.
    frame = levels()
    columns = ColumnTransformer([("columns", "passthrough", ["level", "q"])])
    model = make_pipeline(columns, LGBMClassifier(n_estimators=20, min_child_samples=2, verbose=-1))
    model.fit(frame, frame["level"].isin([1, 3, 4]), lgbmclassifier__categorical_feature=[0])
    with pytest.raises(ExportError, match=r"on generated edge rows.* is level: '\d\.[57]'.*with --integer level the server"):
        export_model(model, frame, tmp_path / "m" / "1")
    export_model(model, frame, tmp_path / "m" / "1", integers=["level"])
    answers = require_own_answers(model, tmp_path / "m" / "1", pd.DataFrame({"level": [1.0, 2.7], "q": 0.0}))
    assert answers[1] is REFUSED


def test_numbers_that_lightgbm_takes_as_categories_are_whole(tmp_path: Path) -> None:
    frame = levels()
    model = LGBMClassifier(n_estimators=20, min_child_samples=2, verbose=-1)
    model.fit(frame, frame["level"].isin([1, 3, 4]), categorical_feature=["level"])
    export_model(model, frame, tmp_path / "m" / "1")
    answers = require_own_answers(model, tmp_path / "m" / "1", pd.DataFrame({"level": [1.0, 2.7], "q": 0.0}))
    assert answers[1] is REFUSED


@pytest.mark.parametrize("encoder", [ordinal(), TargetEncoder()])
def test_an_encoder_that_looks_up_fractions_is_refused(encoder: Any, tmp_path: Path) -> None:
    # 0.1 + 0.2 is no 0.3 for scikit-learn, and is one in float32.
    frame = levels().assign(level=lambda rows: rows["level"] / 10)
    model = prepared({"c": encoder}, LogisticRegression(), "level").fit(frame, frame["q"] > 0)
    with pytest.raises(ExportError, match=r"column level: an encoder looks up fractions such as 0\.1"):
        export_model(model, frame, tmp_path / "m" / "1")


def test_a_negative_zero_is_the_zero_that_an_encoder_knows(tmp_path: Path) -> None:
    frame = levels().assign(level=lambda rows: rows["level"] - 3)
    model = one_hot(LogisticRegression(), "level").fit(frame, frame["level"] + frame["q"] > 0)
    export_model(model, frame, tmp_path / "m" / "1")
    cells = pd.DataFrame({"level": [-0.0, 0.0, -2.0, -2.5, -3.0], "q": 0.0})
    answers = require_own_answers(model, tmp_path / "m" / "1", cells)
    assert answers[0] == answers[1]
    assert [answer is REFUSED for answer in answers] == [False, False, False, True, False]


def seconds(rows: int = 3000) -> pd.DataFrame:
    random = np.random.default_rng(3)
    return pd.DataFrame({"seconds": 1_700_000_000 + random.integers(0, 10_000_000, rows), "q": random.normal(size=rows)})


IN_FLOAT32 = {
    "forest": RandomForestClassifier(9, random_state=0),
    "XGBoost": XGBClassifier(n_estimators=20),
    "scaler, logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "linear": LinearRegression(),
}


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_large_whole_numbers_before_what_computes_as_its_graph_does(name: str, tmp_path: Path) -> None:
    model, frame = IN_FLOAT32[name], seconds()
    model.fit(frame, frame["seconds"] * 13 % 1000 > 400 if is_classifier(model) else frame["seconds"] % 100_000)
    export_model(model, frame.iloc[44:144], tmp_path / "m" / "1")
    assert REFUSED not in require_own_answers(model, tmp_path / "m" / "1", frame.iloc[1000:])


IN_FLOAT64 = {
    "LightGBM": LGBMClassifier(n_estimators=60, num_leaves=63, verbose=-1),
    "a small LightGBM": LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1),
    "hist gradient boosting": HistGradientBoostingClassifier(max_iter=20),
    "LightGBM behind a scaler": make_pipeline(StandardScaler(), LGBMClassifier(n_estimators=5, verbose=-1)),
}


@pytest.mark.parametrize("dtype", ["int64", "float64"])
@pytest.mark.parametrize("name", IN_FLOAT64)
def test_large_whole_numbers_before_what_compares_in_float64_are_refused(name: str, dtype: str, tmp_path: Path) -> None:
    model, frame = IN_FLOAT64[name], seconds()
    frame = frame.astype({"seconds": dtype})
    model.fit(frame, frame["seconds"] * 13 % 1000 > 400)
    # A check on few rows passes by chance: what isn't refused here would be wrong there.
    for start in (0, 500):
        with pytest.raises(ExportError, match=r"seconds has whole numbers beyond 2\^24 = 16,777,216"):
            export_model(model, frame.iloc[start : start + 20], tmp_path / "m" / "1")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", IN_FLOAT64)
def test_fractions_beyond_float32_before_what_compares_in_float64_are_refused(name: str, tmp_path: Path) -> None:
    model, frame = IN_FLOAT64[name], seconds().assign(seconds=lambda rows: rows["seconds"] + rows["q"].abs() % 1)
    model.fit(frame, frame["seconds"] * 13 % 1000 > 400)
    for start in (0, 500):
        with pytest.raises(ExportError, match=r"seconds has more digits than float32 holds"):
            export_model(model, frame.iloc[start : start + 20], tmp_path / "m" / "1")


@pytest.mark.parametrize("name", ["forest", "XGBoost"])
def test_fractions_beyond_float32_before_what_rounds_as_its_graph_does(name: str, tmp_path: Path) -> None:
    model, frame = IN_FLOAT32[name], seconds().assign(seconds=lambda rows: rows["seconds"] + rows["q"].abs() % 1)
    model.fit(frame, frame["seconds"] * 13 % 1000 > 400)
    export_model(model, frame.iloc[:100], tmp_path / "m" / "1")
    assert REFUSED not in require_own_answers(model, tmp_path / "m" / "1", frame.iloc[1000:])


@pytest.mark.parametrize("scale", ["hundredths of a year", "prices", "small"])
def test_fractions_that_float32_distinguishes_are_no_such_numbers(scale: str, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    cells = {
        "hundredths of a year": random.integers(199_000, 202_500, 600) / 100,
        "prices": random.integers(0, 10**9, 600) / 100,
        "small": random.normal(size=600),
    }[scale]
    frame = pd.DataFrame({"x": cells, "q": random.normal(size=600)})
    model = LGBMClassifier(n_estimators=20, verbose=-1).fit(frame, cells > np.median(cells))
    export_model(model, frame.iloc[:100], tmp_path / "m" / "1")


def test_what_the_model_knows_counts_where_the_frame_shows_little(tmp_path: Path) -> None:
    # The frame's own numbers would go through float32.
    frame = seconds().assign(small=lambda rows: rows["seconds"] - 1_700_000_000)
    frame.loc[:99, "seconds"] = np.arange(100)
    model = LGBMClassifier(n_estimators=60, num_leaves=63, verbose=-1)
    model.fit(frame[["seconds", "q"]], frame["small"] * 13 % 1000 > 400)
    with pytest.raises(ExportError, match="on generated edge rows"):
        export_model(model, frame[["seconds", "q"]].iloc[:100], tmp_path / "m" / "1")


def test_integers_that_json_cannot_carry_are_refused(tmp_path: Path) -> None:
    frame = products().assign(product=lambda rows: rows["product"] + 2**53)
    with pytest.raises(ExportError, match=r"column product has whole numbers beyond 2\^53 - 1"):
        export_model(LOOKED_UP["one-hot"].fit(frame, frame["q"]), frame, tmp_path / "m" / "1")


def test_small_whole_numbers_stay_what_they_were(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": np.arange(200) % 90, "q": np.linspace(-1, 1, 200)})
    model = LGBMClassifier(n_estimators=5, verbose=-1).fit(frame, frame["n"] > 40)
    export_model(model, frame, tmp_path / "m" / "1")
    graph = onnx.load(tmp_path / "m" / "1" / "model.onnx").graph
    assert {entry.type.tensor_type.elem_type for entry in graph.input} == {onnx.TensorProto.FLOAT}


def test_an_encoder_that_refuses_unknown_numbers_is_refused(tmp_path: Path) -> None:
    frame = products()
    model = prepared({"c": OneHotEncoder()}, LinearRegression()).fit(frame, frame["q"])
    with pytest.raises(ExportError, match="column product: OneHotEncoder refuses unknown numbers"):
        export_model(model, frame, tmp_path / "m" / "1")
