"""Several values a row, outliers, clusters, vectors and ranks: what is written, and that ONNX Runtime gives the library's answers on other rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from catboost import CatBoostRanker, CatBoostRegressor
from lightgbm import Dataset, LGBMClassifier, LGBMRanker, LGBMRegressor, train
from sklearn.cluster import BisectingKMeans, Birch, DBSCAN, KMeans, MeanShift, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import GradientBoostingRegressor, IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDOneClassSVM
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRanker, XGBRegressor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import servemodel
from servemodel.answers import Answers, Form, form_of, library_answers
from servemodel.graphs import Graph
from servemodel.parity import Session, compare

random = np.random.default_rng(15)
N, HELD = 300, 250
ALL = pd.DataFrame(random.normal(size=(N + HELD, 4)), columns=["a", "b", "c", "d"])
NUMBERS, OTHERS = ALL.iloc[:N], ALL.iloc[N:].reset_index(drop=True)
WEIGHTS = random.normal(size=(4, 3))
Y = NUMBERS.to_numpy() @ WEIGHTS + random.normal(size=(N, 3)) * 0.1
BITS = (Y > 0).astype(int)
WORDS = np.where(BITS[:, :2] > 0, "yes", "no").astype(object)
CODES = np.c_[BITS[:, 0] + 5, np.digitize(Y[:, 1], [-1, 1]) * 10]
KINDS = np.c_[np.where(Y[:, 0] > 0, "hot", "cold"), np.array(["l", "m", "h"])[np.digitize(Y[:, 1], [-1, 1])]].astype(object)
CITY = np.random.default_rng(1).choice(["Kiel", "Ulm", "Jena"], N + HELD)
MIXED = ALL.assign(city=CITY)
GROUPS = [10] * (N // 10)
RANKS = np.digitize(Y[:, 0], [0, 1])


def encoded(*steps: Any) -> Any:
    columns = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("n", "passthrough", ["a", "b"])])
    return make_pipeline(columns, *steps)


def boosted() -> LGBMClassifier:
    return LGBMClassifier(n_estimators=5, verbose=-1)


CASES: dict[str, tuple[str, Any, Any]] = {
    "linear": ("multioutput-regression", Ridge(), Y),
    "forest": ("multioutput-regression", RandomForestRegressor(5), Y),
    "perceptron": ("multioutput-regression", MLPRegressor(hidden_layer_sizes=(4,), max_iter=50), Y),
    "side by side": ("multioutput-regression", MultiOutputRegressor(GradientBoostingRegressor(n_estimators=5)), Y),
    "side by side behind encoders": ("multioutput-regression", encoded(MultiOutputRegressor(LGBMRegressor(n_estimators=5, verbose=-1))), Y),
    "pipelines side by side": ("multioutput-regression", MultiOutputRegressor(make_pipeline(StandardScaler(), Ridge())), Y),
    "chain": ("multioutput-regression", RegressorChain(Ridge(), order=[2, 0, 1]), Y),
    "trees of XGBoost": ("multioutput-regression", XGBRegressor(n_estimators=5), Y),
    "quantiles": ("quantile-regression", XGBRegressor(n_estimators=5, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), Y[:, 0]),
    "bits of XGBoost": ("multilabel-classification", encoded(XGBClassifier(n_estimators=5)), BITS),
    "forest of bits": ("multilabel-classification", RandomForestClassifier(5), BITS),
    "forest of words": ("multilabel-classification", RandomForestClassifier(5), WORDS),
    "forest of codes": ("multilabel-classification", RandomForestClassifier(5), CODES),
    "forest of kinds": ("multilabel-classification", RandomForestClassifier(5), KINDS),
    "tree of bits": ("multilabel-classification", DecisionTreeClassifier(max_depth=4), BITS),
    "tree of kinds": ("multilabel-classification", DecisionTreeClassifier(max_depth=4), KINDS),
    "neighbours of words": ("multilabel-classification", KNeighborsClassifier(), WORDS),
    "perceptron of bits": ("multilabel-classification", MLPClassifier((4,), max_iter=50), BITS),
    "perceptron of two bits": ("multilabel-classification", MLPClassifier((4,), max_iter=50), BITS[:, :2]),
    "one versus rest": ("multilabel-classification", OneVsRestClassifier(LogisticRegression()), BITS),
    "classifiers side by side": ("multilabel-classification", encoded(MultiOutputClassifier(boosted())), BITS),
    "classifiers of kinds side by side": ("multilabel-classification", MultiOutputClassifier(DecisionTreeClassifier(max_depth=3)), KINDS),
    "labels without probabilities": ("multilabel-classification", MultiOutputClassifier(RidgeClassifier()), BITS),
    "chain of classifiers": ("multilabel-classification", ClassifierChain(LogisticRegression(), order=[2, 0, 1]), BITS),
    "isolation forest": ("outlier-detection", IsolationForest(n_estimators=10), None),
    "neighbours of outliers": ("outlier-detection", LocalOutlierFactor(novelty=True), None),
    "one class": ("outlier-detection", OneClassSVM(nu=0.1), None),
    "one linear class": ("outlier-detection", make_pipeline(StandardScaler(), SGDOneClassSVM()), None),
    "ellipse": ("outlier-detection", EllipticEnvelope(), None),
    "k-means": ("clustering", KMeans(3), None),
    "k-means behind encoders": ("clustering", encoded(MiniBatchKMeans(4)), None),
    "bisections": ("clustering", BisectingKMeans(7, random_state=0), None),
    "shifted means": ("clustering", MeanShift(), None),
    "subclusters": ("clustering", Birch(n_clusters=3), None),
    "principal components": ("transformation", encoded(StandardScaler(with_mean=False), PCA(3)), None),
    "singular values": ("transformation", TruncatedSVD(2), None),
    "scaled": ("transformation", StandardScaler(), None),
    "normal": ("transformation", Normalizer(), None),
    "chosen": ("transformation", SelectKBest(k=2), BITS[:, 0]),
    "encoded": ("transformation", encoded(), None),
    "whole numbers": (
        "transformation", ColumnTransformer([("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=int), ["city"])]), None),
    "mixture": ("classification", GaussianMixture(3, random_state=0), None),
    "label alone": ("classification", SVC(), KINDS[:, 1]),
    "linear label alone": ("classification", LinearSVC(), BITS[:, 0]),
}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def on_others(model: Any, folder: Path, columns: list[Any], form: Form) -> Any:
    """The agreement on rows that neither the model nor the export has seen."""
    rows = MIXED.iloc[N:].reset_index(drop=True)[[column.name for column in columns]]
    given = rows if hasattr(model, "feature_names_in_") else rows.to_numpy()
    expected = library_answers(model, rows if given is rows else pd.DataFrame(given), form)
    session = Session(Graph(onnx.load(folder / "model.onnx")), columns)
    return compare(expected, session.answer(rows), 1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_is_exported_with_the_librarys_answers(name: str, tmp_path: Path) -> None:
    task, model, target = CASES[name]
    frame = MIXED.iloc[:N] if "ColumnTransformer" in str(model) else NUMBERS
    model.fit(frame, target)
    export = servemodel.export(model, frame, tmp_path / "m" / "1")
    members, golden = read(tmp_path / "m" / "1" / "model.json"), read(tmp_path / "m" / "1" / "golden.json")
    outputs = members["outputs"]
    assert (export.task, members["task"]) == (task, task)
    assert len(golden["data"]) == len(golden["predictions"]) >= 10
    listed = isinstance(golden["predictions"][0], list)
    assert listed == ("values" in outputs)
    if listed:
        assert {len(one) for one in golden["predictions"]} == {len(outputs["values"])}
    for member in ("probabilities", "score", "distances"):
        assert (member in golden) == (member in outputs)
    form = form_of(model, frame, "classification" if "classification" in task else "regression" if task.endswith("-regression") else task)
    agreement = on_others(model, tmp_path / "m" / "1", export.columns, form)
    assert (agreement.rows, agreement.complete) == (HELD, True), agreement


@pytest.mark.parametrize("model", [RandomForestClassifier(15), DecisionTreeClassifier()], ids=["forest", "tree"])
def test_thresholds_of_several_labels_between_decimals_are_those_of_float64(model: Any, tmp_path: Path) -> None:
    made = np.random.default_rng(0)
    grid = pd.DataFrame(made.integers(0, 40, size=(3_000, 4)) / 10, columns=["a", "b", "c", "d"])
    target = np.c_[grid["a"] + grid["b"] > 4, grid["c"] > grid["a"]].astype(int)
    export = servemodel.export(model.fit(grid[:300], target[:300]), grid[:300], tmp_path / "m" / "1")
    # Thresholds lie in the middle between two tenths.
    held = pd.concat([grid[300:], (grid[300:] + 0.05).round(2)], ignore_index=True)
    session = Session(Graph(onnx.load(tmp_path / "m" / "1" / "model.onnx")), export.columns)
    assert compare(library_answers(model, held, form_of(model, held, "classification")), session.answer(held), 1e-5).complete


def test_names_are_those_of_the_targets_or_given_ones(tmp_path: Path) -> None:
    frame = NUMBERS.assign(price=Y[:, 0], days=Y[:, 1])
    model = Ridge().fit(NUMBERS, Y[:, :2])
    export = servemodel.export(model, frame, tmp_path / "m" / "1", target=["price", "days"])
    values = read(tmp_path / "m" / "1" / "model.json")["outputs"]["values"]
    assert [one["name"] for one in values] == ["price", "days"]
    assert export.metrics["r2"] > 0.9 and export.metrics["rows"] == N
    assert [round(sum(one["distribution"]["shares"])) for one in values] == [1, 1]
    servemodel.export(model, frame, tmp_path / "m" / "2", target="price,days", outputs=["p", "d"])
    assert [one["name"] for one in read(tmp_path / "m" / "2" / "model.json")["outputs"]["values"]] == ["p", "d"]
    with pytest.raises(servemodel.ExportError, match="--outputs has 3 names, and the model gives 2 values"):
        servemodel.export(model, frame, tmp_path / "n" / "1", target=["price", "days"], outputs=["p", "d", "e"])
    with pytest.raises(servemodel.ExportError, match="gives 2 values a row, so --target needs as many columns"):
        servemodel.export(model, frame[[*"abcd", "price"]], tmp_path / "n" / "1", target="price")
    assert not (tmp_path / "n").exists()


def test_quality_of_labels_counts_rows_that_are_all_right(tmp_path: Path) -> None:
    frame = NUMBERS.assign(x=BITS[:, 0], y=BITS[:, 1])
    model = RandomForestClassifier(15, random_state=0).fit(NUMBERS, BITS[:, :2])
    export = servemodel.export(model, frame, tmp_path / "m" / "1", target=["x", "y"])
    right = (model.predict(NUMBERS) == BITS[:, :2]).all(axis=1).mean()
    assert export.metrics["accuracy"] == pytest.approx(right)


def test_rankers_are_rankings(tmp_path: Path) -> None:
    groups = np.repeat(np.arange(len(GROUPS)), 10)
    booster = train({"objective": "lambdarank", "verbose": -1}, Dataset(NUMBERS, RANKS, group=GROUPS), 5)
    models = [
        LGBMRanker(n_estimators=5, verbose=-1).fit(NUMBERS, RANKS, group=GROUPS),
        XGBRanker(n_estimators=5).fit(NUMBERS, RANKS, qid=groups),
        CatBoostRanker(iterations=5, verbose=0, allow_writing_files=False).fit(NUMBERS, RANKS, group_id=groups),
        booster,
    ]
    for at, model in enumerate(models, 1):
        assert servemodel.export(model, NUMBERS, tmp_path / "m" / str(at)).task == "ranking"


REFUSED = {
    "no predict": (lambda: LocalOutlierFactor().fit(NUMBERS), "novelty=True"),
    "clusters of the fitted rows": (lambda: DBSCAN().fit(NUMBERS), "DBSCAN has no predict"),
    "several values in a leaf": (
        lambda: XGBRegressor(n_estimators=3, multi_strategy="multi_output_tree").fit(NUMBERS, Y), "multi_strategy='one_output_per_tree'"),
    "several values of CatBoost": (
        lambda: CatBoostRegressor(iterations=3, verbose=0, allow_writing_files=False, loss_function="MultiRMSE").fit(NUMBERS, Y),
        "CatBoost has no ONNX form for several values a row: fit scikit-learn's MultiOutputRegressor"),
    "classes of several labels": (lambda: RandomForestClassifier(3).fit(NUMBERS, BITS), "--classes names the classes of one label"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    make, message = REFUSED[name]
    options = {"classes": ["x", "y"]} if "classes" in name else {}
    with pytest.raises(servemodel.ExportError, match=message):
        servemodel.export(make(), NUMBERS, tmp_path / "m" / "1", **options)
    assert not (tmp_path / "m").exists()


def test_the_comparison_sees_a_wrong_label_or_number_of_many() -> None:
    labels, numbers = np.array([["a", "x"], ["b", "x"]], dtype=object), np.array([[1.0, 2.0], [3.0, 4.0]])
    right = Answers(labels, numbers)
    other = Answers(np.array([["a", "x"], ["b", "y"]], dtype=object), np.array([[1.0, 2.1], [3.0, 4.0]]))
    assert (compare(right, other, 1e-5).label_differences, compare(right, other, 1e-5).beyond) == ((1,), (0,))
    assert compare(right, right, 1e-5).complete
