"""Tests of scripts/models/export.py: pipelines as data scientists write them, and those whose ONNX form is silently wrong."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

sys.path.insert(0, str(Path(__file__).resolve().parent))
import export
from export import export_model
from servemodel.errors import ExportError

ROWS = 300
ALL = ["city name", "label", "amount", "age", "visits", "member"]
NUMBERS = ["age", "visits", "score"]
FILES = ["CARD.md", "background.json", "golden.json", "model.json", "model.onnx"]


def make_frame() -> pd.DataFrame:
    """[N, 10] frame; `amount` has missing values, and ONNX doesn't keep two of the names."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "city name": random.choice([" Oslo", "Aarhus", "Zürich"], ROWS),
            "label": random.choice(["large", "medium", "small"], ROWS),
            "amount": np.where(random.random(ROWS) < 0.1, np.nan, random.normal(1000, 700, ROWS).round(2)),
            "age": random.integers(0, 90, ROWS),
            "visits": random.integers(0, 12, ROWS),
            "member": random.random(ROWS) < 0.5,
            "score": random.normal(0, 1, ROWS).round(3),
        }
    )
    value = frame["visits"] + frame["member"] * 5 + frame["amount"].fillna(0) / 500 + random.normal(0, 1, ROWS)
    return frame.assign(
        yes=np.where(value > value.median(), "yes", "no"), value=value, third=pd.qcut(value, 3, labels=False)
    )


FRAME = make_frame()


def table(encoder: Any = None, numbers: Any = "passthrough") -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("texts", encoder or OneHotEncoder(handle_unknown="ignore"), ["city name", "label"]),
            ("numbers", numbers, ["amount", "age", "visits"]),
            ("rest", "passthrough", ["member"]),
        ]
    )


def ordinal() -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def run(model: BaseEstimator, columns: list[str], target: str, folder: Path, **options: Any) -> export.Export:
    model.fit(FRAME[columns], FRAME[target])
    return export_model(model, FRAME[[*columns, target]], folder, target=target, **options)


EXACT = {
    "hist gradient boosting": (make_pipeline(table(ordinal()), HistGradientBoostingClassifier(max_iter=10)), ALL, "yes"),
    "categorical splits": (
        make_pipeline(table(ordinal()), HistGradientBoostingClassifier(max_iter=10, categorical_features=[0, 1])), ALL, "yes"),
    "imputer, scaler, logistic": (
        make_pipeline(table(numbers=make_pipeline(SimpleImputer(), StandardScaler())), LogisticRegression()), ALL, "yes"),
    "forest of an odd number": (
        make_pipeline(table(numbers=SimpleImputer()), RandomForestClassifier(15, random_state=0)), ALL, "yes"),
    "forest fitted on missing values": (make_pipeline(table(), RandomForestClassifier(15, random_state=0)), ALL, "yes"),
    "no column transformer": (make_pipeline(StandardScaler(), Ridge()), NUMBERS, "value"),
    "no pipeline": (GradientBoostingClassifier(n_estimators=10, random_state=0), NUMBERS, "third"),
    "LightGBM": (make_pipeline(table(ordinal()), LGBMClassifier(n_estimators=10, verbose=-1)), ALL, "yes"),
    "LightGBM on a frame": (LGBMRegressor(n_estimators=10, verbose=-1), NUMBERS, "value"),
    "XGBoost": (make_pipeline(table(), XGBClassifier(n_estimators=10)), ALL, "third"),
    "XGBoost on a frame": (XGBRegressor(n_estimators=10), NUMBERS, "value"),
    "a label without probabilities": (SVC(), NUMBERS, "yes"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_writes_a_whole_version_folder(name: str, tmp_path: Path) -> None:
    model, columns, target = EXACT[name]
    folder = tmp_path / "my-model" / "3"
    result = run(model, columns, target, folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert result.agreement.rows == ROWS
    assert result.agreement.complete
    assert result.edges.complete
    members, golden = read_json(folder / "model.json"), read_json(folder / "golden.json")
    assert members["sha256"] == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert [entry["name"] for entry in members["inputs"]] == golden["columns"] == columns
    graph = onnx.load(folder / "model.onnx").graph
    assert [entry["onnx"] for entry in members["inputs"]] == [tensor.name for tensor in graph.input]
    assert members["metrics"]["rows"] == ROWS
    assert len(golden["data"]) == len(golden["predictions"]) >= 15
    assert "Not stated yet" in (folder / "CARD.md").read_text()


def test_describes_columns_as_the_frame_and_the_encoders_show_them(tmp_path: Path) -> None:
    model, columns, target = EXACT["hist gradient boosting"]
    run(model, columns, target, tmp_path / "m" / "1", routes=["/score"], answer={"key": "answer"}, description="Said.")
    members = read_json(tmp_path / "m" / "1" / "model.json")
    examples = [entry.pop("example") for entry in members["inputs"]]
    shares = [sum(entry.pop("distribution")["shares"]) for entry in members["inputs"]]
    missing = round(float(FRAME["amount"].isna().mean()), 6)
    np.testing.assert_allclose(shares, [1, 1, 1 - missing, 1, 1, 1], atol=1e-5)
    said = members["outputs"].pop("distribution")
    assert (said["rows"], round(sum(said["shares"]), 5)) == (ROWS, 1)
    assert examples[0] in [" Oslo", "Aarhus", "Zürich"]
    assert isinstance(examples[3], int)
    city, label, amount, age, _, member = members["inputs"]
    assert city == {
        "name": "city name", "onnx": "city_name", "type": "string", "nullable": False,
        "categories": [" Oslo", "Aarhus", "Zürich"],
    }  # fmt: skip
    # The output is called label, too: the input is renamed.
    assert (label["name"], label["onnx"]) == ("label", "label1")
    assert (amount["type"], amount["nullable"]) == ("number", True)
    low, high = int(FRAME["age"].min()), int(FRAME["age"].max())
    assert age == {"name": "age", "onnx": "age", "type": "integer", "nullable": True, "range": [low, high]}
    assert (member["type"], member["nullable"]) == ("boolean", False)
    assert members["outputs"] == {"label": "label", "probabilities": "probabilities", "classes": ["no", "yes"]}
    assert (members["routes"], members["answer"], members["description"]) == (["/score"], {"key": "answer"}, "Said.")


def test_a_column_may_be_missing_only_where_the_model_takes_it(tmp_path: Path) -> None:
    result = run(make_pipeline(StandardScaler(), Ridge()), NUMBERS, "value", tmp_path / "m" / "1")
    assert [column.nullable for column in result.columns] == [False] * 3


def test_names_for_numbered_classes_reach_the_graph(tmp_path: Path) -> None:
    model, columns, target = EXACT["XGBoost"]
    folder = tmp_path / "m" / "1"
    run(model, columns, target, folder, classes=["low", "middle", "high"])
    members, golden = read_json(folder / "model.json"), read_json(folder / "golden.json")
    assert members["outputs"]["classes"] == ["low", "middle", "high"]
    assert set(golden["predictions"]) == {"low", "middle", "high"}


def test_names_for_classes_that_do_not_count_from_0(tmp_path: Path) -> None:
    model = LogisticRegression().fit(FRAME[["visits"]], FRAME["third"] * 2 - 1)
    export_model(model, FRAME[["visits"]], tmp_path / "m" / "1", classes=["low", "middle", "high"])
    assert set(read_json(tmp_path / "m" / "1" / "golden.json")["predictions"]) <= {"low", "middle", "high"}
    for names, message in ((["a", "b"], "2 class names for the 3 classes"), (["a"], "1 class names")):
        with pytest.raises(ExportError, match=message):
            export_model(model, FRAME[["visits"]], tmp_path / "m" / "2", classes=names)
    with pytest.raises(ExportError, match="a regression has no classes"):
        regression = Ridge().fit(FRAME[["visits"]], FRAME["value"])
        export_model(regression, FRAME[["visits"]], tmp_path / "m" / "2", classes=["a"])


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model, columns, target = EXACT["no pipeline"]
    first = run(model, columns, target, tmp_path / "m" / "1")
    assert run(model, columns, target, tmp_path / "m" / "2").sha256 == first.sha256


# Pipelines whose ONNX form runs but answers wrongly, and those that can't be exported.
REFUSED = {
    "forest of an even number, with ties": (
        RandomForestClassifier(20, random_state=0), NUMBERS, "yes", "these rows are ties"),
    "LightGBM's linear trees": (
        LGBMClassifier(linear_tree=True, n_estimators=5, verbose=-1), NUMBERS, "yes", "has a linear model in each leaf"),
    "unknown categories are an error": (
        make_pipeline(ColumnTransformer([("n", OneHotEncoder(), ["visits"])]), LogisticRegression()), ["visits"], "yes",
        "column visits: OneHotEncoder refuses unknown numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_would_answer_otherwise_and_writes_nothing(name: str, tmp_path: Path) -> None:
    model, columns, target, message = REFUSED[name]
    with pytest.raises(ExportError) as error:
        run(model, columns, target, tmp_path / "m" / "1")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_names_the_rows_of_exact_ties(tmp_path: Path) -> None:
    # 25 of 50 pure trees for each class: 0.5 in float64, 0.50000006 in float32.
    model = RandomForestClassifier(50, random_state=0).fit(FRAME[NUMBERS][:60], FRAME["yes"][:60])
    tied = np.flatnonzero(model.predict_proba(FRAME[NUMBERS])[:, 0] == 0.5)
    assert len(tied) > 0
    with pytest.raises(ExportError, match="these rows are ties") as error:
        export_model(model, FRAME[NUMBERS], tmp_path / "m" / "1")
    assert f"(rows {tied[0]}, " in str(error.value) or f"(row {tied[0]})" in str(error.value)


class TestTexts:
    frame = pd.DataFrame(
        {
            "message": ["naïve parcel late refund", "money back please", "thank you, so much", "lost parcel again",
                        "pay my old bill now", "great thanks café"] * 20,
            "amount": np.linspace(-1, 1, 120),
            "kind": ["a", "b", "c", "a", "b", "c"] * 20,
        }
    )  # fmt: skip

    @pytest.mark.parametrize(
        "vectorizer",
        [TfidfVectorizer(), TfidfVectorizer(ngram_range=(1, 2)), CountVectorizer(lowercase=False),
         CountVectorizer(analyzer="char"), CountVectorizer(token_pattern=r"\S+"), CountVectorizer(stop_words="english")],
    )  # fmt: skip
    def test_of_a_pipeline_on_one_column(self, vectorizer: CountVectorizer, tmp_path: Path) -> None:
        model = make_pipeline(vectorizer, MultinomialNB()).fit(self.frame["message"], self.frame["kind"])
        result = export_model(model, self.frame[["message", "kind"]], tmp_path / "m" / "1", target="kind")
        assert [(column.name, column.type, column.categories) for column in result.columns] == [
            ("message", "string", None)
        ]

    def test_beside_numbers(self, tmp_path: Path) -> None:
        columns = ColumnTransformer([("t", TfidfVectorizer(), "message"), ("n", "passthrough", ["amount"])])
        model = make_pipeline(columns, LogisticRegression()).fit(self.frame, self.frame["kind"])
        result = export_model(model, self.frame, tmp_path / "m" / "1", target="kind")
        assert [column.name for column in result.columns] == ["message", "amount", "kind"][:2]

    @pytest.mark.parametrize(
        "vectorizer",
        [TfidfVectorizer(sublinear_tf=True), CountVectorizer(stop_words="english", ngram_range=(1, 2))],
    )
    def test_counted_otherwise_in_onnx_are_refused(self, vectorizer: CountVectorizer, tmp_path: Path) -> None:
        model = make_pipeline(vectorizer, LogisticRegression()).fit(self.frame["message"], self.frame["kind"])
        with pytest.raises(ExportError, match="doesn't give scikit-learn's answers"):
            export_model(model, self.frame[["message", "kind"]], tmp_path / "m" / "1", target="kind")


class TestFrames:
    model = LogisticRegression().fit(FRAME[NUMBERS], FRAME["yes"])

    def refuse(self, frame: pd.DataFrame, message: str, folder: Path, **options: Any) -> None:
        with pytest.raises(ExportError, match=message):
            export_model(self.model, frame, folder, **options)
        assert not folder.exists()

    def test_order_and_further_columns_are_free(self, tmp_path: Path) -> None:
        result = export_model(self.model, FRAME[["yes", "score", "label", "visits", "age"]], tmp_path / "m" / "1")
        assert [column.name for column in result.columns] == NUMBERS
        assert result.metrics == {}

    def test_faults(self, tmp_path: Path) -> None:
        folder = tmp_path / "m" / "1"
        good = FRAME[NUMBERS]
        self.refuse(FRAME[["age", "score"]], "the frame has no column visits", folder)
        self.refuse(good.iloc[:0], "the frame has no rows", folder)
        self.refuse(good, "no target column churn; they have", folder, target="churn")
        self.refuse(good, "takes the column age, which can't be the target, too", folder, target="age")
        self.refuse(good.assign(age=np.inf), "column age has no number, or an infinite one", folder)
        self.refuse(good.assign(age=None), "column age has", folder)
        self.refuse(good, "has fractions", folder, integers=["score"])
        self.refuse(good, "there is no such column", folder, integers=["x"])
        self.refuse(good, "a model that numbers them; this one's are texts: 'no', 'yes'", folder, classes=["a", "b"])
        self.refuse(good.to_numpy(), "no pandas DataFrame but of type ndarray: give one", folder)
        self.refuse(good, "of type list", folder, also=[[1, 2, 3]])
        self.refuse(pd.concat([good, good], axis=1), "two columns of one name", folder)

    @pytest.mark.parametrize("name", ["m", "m/latest", "m/0", "-m/1"])
    def test_folders_that_are_no_version(self, name: str, tmp_path: Path) -> None:
        self.refuse(FRAME[NUMBERS], "the folder must be <name>/<version>", tmp_path / name)

    def test_a_model_that_is_not_fitted(self, tmp_path: Path) -> None:
        with pytest.raises(ExportError, match="isn't fitted"):
            export_model(LogisticRegression(), FRAME[NUMBERS], tmp_path / "m" / "1")
        with pytest.raises(ExportError, match="a dict is no fitted scikit-learn model"):
            export_model({}, FRAME[NUMBERS], tmp_path / "m" / "1")


class TestCommandLine:
    def cli(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, export.__file__, *arguments],
            cwd=folder, env=os.environ | {"PYTHONHASHSEED": "5"}, capture_output=True, text=True, timeout=600,
        )  # fmt: skip

    def test_from_a_joblib_file_and_a_csv_file_to_a_folder(self, tmp_path: Path) -> None:
        model, columns, target = EXACT["LightGBM"]
        model.fit(FRAME[columns], FRAME[target])
        joblib.dump(model, tmp_path / "model.joblib")
        FRAME[[*columns, target]].to_csv(tmp_path / "rows.csv", index=False)
        result = self.cli(
            tmp_path, "model.joblib", "rows.csv", "models/churn/1", "--target", target,
            "--route", "/churn", "--answer-key", "churns",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        folder = tmp_path / "models" / "churn" / "1"
        assert sorted(path.name for path in folder.iterdir()) == FILES
        assert f"sha256 {read_json(folder / 'model.json')['sha256']}" in result.stdout
        assert "columns that may be missing" in result.stdout

    def test_from_an_importable_function_and_parquet(self, tmp_path: Path, monkeypatch, capsys) -> None:
        pytest.importorskip("pyarrow")
        FRAME[NUMBERS].to_parquet(tmp_path / "rows.parquet")
        (tmp_path / "mine.py").write_text("from export_test import TestFrames\ndef make(): return TestFrames.model\n")
        monkeypatch.chdir(tmp_path)
        assert export.main(["mine:make", "rows.parquet", "m/1"]) == 0
        assert "written" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["none.joblib", "rows.csv", "m/1"], "there is no file none.joblib"),
            (["none_such:model", "rows.csv", "m/1"], "none_such:model can't be imported"),
            (["rows.csv", "rows.csv", "m/1"], "rows.csv can't be loaded"),
            (["model.joblib", "none.csv", "m/1"], "there is no file none.csv"),
            (["model.joblib", "model.joblib", "m/1"], "a frame is a .csv, .csv.gz or .parquet file"),
        ],
    )
    def test_faults_are_one_line(self, arguments: list[str], message: str, tmp_path: Path, monkeypatch, capsys) -> None:
        joblib.dump(TestFrames.model, tmp_path / "model.joblib")
        FRAME[NUMBERS].to_csv(tmp_path / "rows.csv", index=False)
        monkeypatch.chdir(tmp_path)
        assert export.main(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith("export.py: ")
        assert error.count("\n") == 1
        assert message in error
        assert not (tmp_path / "m").exists()

    def test_help_goes_to_stdout(self, capsys) -> None:
        with pytest.raises(SystemExit) as exit_info:
            export.main(["--help"])
        assert exit_info.value.code == 0
        out, err = capsys.readouterr()
        assert out.startswith("Usage: scripts/models/export.py ")
        assert err == ""
