"""Writes server/testing/bare/: ONNX files as converters write them by default, without a signature, and the library's own
answers to rows that no model was fitted on. Usage: python scripts/testing/exportBare.py [NAME...]"""

import json
import pathlib
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import onnx
from onnx import TensorProto as Type
from onnx import helper, numpy_helper
from catboost import CatBoostClassifier
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from skl2onnx import to_onnx

warnings.filterwarnings("ignore")
FOLDER = pathlib.Path(__file__).parents[2] / "server/testing/bare"
OPSET = {"": 18, "ai.onnx.ml": 3}
random = np.random.default_rng(15)
X = random.normal(size=(300, 4)).astype("float32")
HELD = random.normal(size=(40, 4)).astype("float32")
COEFFICIENTS = random.normal(size=(4, 3))
Y = X @ COEFFICIENTS + random.normal(size=(300, 3)) * 0.1
BITS = (Y > 0).astype(int)
NAMES = np.array(["blue", "green", "red"])[np.argmax(Y, axis=1)]


def skl(model, **options):
    return to_onnx(model, X[:1], target_opset=OPSET, options={id(model): options} if options else None).SerializeToString()


def catboost(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(f"{folder}/model.onnx", format="onnx")
        return pathlib.Path(folder, "model.onnx").read_bytes()


def boosted(target, **options):
    model = CatBoostClassifier(iterations=10, depth=3, verbose=0, allow_writing_files=False, **options)
    return model.fit(X, target)


def classifier(model):
    return {"predictions": model.predict(HELD).ravel().tolist(), "probabilities": model.predict_proba(HELD).tolist()}


def outlier(model):
    return {"predictions": model.predict(HELD).tolist(), "score": model.decision_function(HELD).tolist()}


def positive(probabilities):
    """[outputs][rows, 2] to [rows, outputs]."""
    return np.stack([one[:, 1] for one in probabilities], axis=1).tolist()


def graph(nodes, inputs, outputs, **constants):
    values = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "g", inputs, outputs, values)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid(d, v) for d, v in OPSET.items()], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def product(element, dtype, weights, data):
    """X [N, 2] times weights, all of one element type; the answers are numpy's."""
    node = helper.make_node("MatMul", ["X", "W"], ["value"])
    value = helper.make_tensor_value_info
    weights = np.array(weights, dtype).reshape(2, 1)
    rows = np.array(data, dtype)
    answers = [int(n) if rows.dtype.kind in "iu" else float(n) for n in (rows @ weights).ravel()]
    onnx_bytes = graph([node], [value("X", element, ["N", 2])], [value("value", element, ["N", 1])], W=weights)
    return onnx_bytes, {"data": data, "predictions": answers}


def elements():
    fractions = [[0.1, 1 / 3], [-2.5, 1e-3], [100.25, 7]]
    yield "doubles", *product(Type.DOUBLE, np.float64, [1 / 3, 0], fractions)
    yield "halves", *product(Type.FLOAT16, np.float16, [0.5, 2], fractions)
    whole = [[1, 2], [-(2**31), 5], [2**31 - 1, -7]]
    yield "int32", *product(Type.INT32, np.int32, [1, 0], whole)
    yield "int64", *product(Type.INT64, np.int64, [2**20, 1], [[1, 2], [2**32, 5], [2**40, 0]][:2])
    value = helper.make_tensor_value_info
    encoder = helper.make_node(
        "LabelEncoder", ["city"], ["code"], domain="ai.onnx.ml", keys_strings=["Bonn", "Oslo"], values_floats=[1.0, 2.0], default_float=-1.0
    )
    total = helper.make_node("ReduceSum", ["code", "axis"], ["value"], keepdims=1)
    data = [["Bonn", "Oslo"], ["Oslo", "Oslo"], ["Rome", "Bonn"]]
    onnx_bytes = graph([encoder, total], [value("city", Type.STRING, ["N", 2])], [value("value", Type.FLOAT, ["N", 1])], axis=np.array([1]))
    yield "texts", onnx_bytes, {"data": data, "predictions": [3, 4, 0]}


def made():
    yield from elements()
    for name, target in (("text", NAMES), ("int64", BITS[:, 0])):
        model = LogisticRegression().fit(X, target)
        yield f"zipmap-{name}", skl(model), classifier(model)
        model = boosted(target)
        yield f"catboost-{name}", catboost(model), classifier(model)
    model = RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0).fit(X, NAMES)
    yield "zipmap-forest", skl(model), classifier(model)
    for name, model in (
        ("isolation-forest", IsolationForest(n_estimators=10, random_state=0)),
        ("one-class-svm", OneClassSVM(gamma=0.1, nu=0.2)),
    ):
        model.fit(X)
        yield name, skl(model), outlier(model)
    model = KMeans(n_clusters=3, n_init=1, random_state=0).fit(X)
    yield "kmeans", skl(model), {"predictions": model.predict(HELD).tolist(), "distances": model.transform(HELD).tolist()}
    model = PCA(n_components=2).fit(X)
    yield "pca", skl(model), {"predictions": model.transform(HELD).tolist()}
    for name, model in (
        ("ridge-3", Ridge()),
        ("forest-3", RandomForestRegressor(n_estimators=5, max_depth=4, random_state=0)),
        ("boosted-3", MultiOutputRegressor(GradientBoostingRegressor(n_estimators=5, random_state=0))),
    ):
        model.fit(X, Y)
        yield name, skl(model), {"predictions": model.predict(HELD).tolist()}
    for name, model in (
        ("one-vs-rest", OneVsRestClassifier(LogisticRegression())),
        ("perceptron-bits", MLPClassifier((4,), max_iter=300, random_state=0)),
    ):
        model.fit(X, BITS)
        answers = {"predictions": model.predict(HELD).tolist(), "probabilities": model.predict_proba(HELD).tolist()}
        yield name, skl(model, zipmap=False), answers
    for name, model in (
        ("forest-bits", RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0)),
        ("logistic-bits", MultiOutputClassifier(LogisticRegression())),
    ):
        model.fit(X, BITS)
        answers = {"predictions": model.predict(HELD).tolist(), "probabilities": positive(model.predict_proba(HELD))}
        yield name, skl(model, zipmap=False), answers
    # A frame of float64 columns, whose table of probabilities is double: ONNX Runtime itself refuses the ZipMap behind it.
    frame = pd.DataFrame(X.astype("float64"), columns=["mean radius", "area", "2nd", "x"])
    held = pd.DataFrame(HELD.astype("float64"), columns=frame.columns)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, NAMES)
    answers = {"predictions": model.predict(held).tolist(), "probabilities": model.predict_proba(held).tolist()}
    yield "zipmap-frame", to_onnx(model, frame.head(1)).SerializeToString(), answers
    model = MultiOutputClassifier(DecisionTreeClassifier(max_depth=3, random_state=0))
    model.fit(X, np.stack([NAMES, np.where(BITS[:, 0] > 0, "yes", "no")], axis=1))
    yield "tree-texts", skl(model, zipmap=False), {"predictions": model.predict(HELD).tolist()}
    # Labels of two kinds, neither of them 0 and 1.
    model = MultiOutputClassifier(DecisionTreeClassifier(max_depth=3, random_state=0))
    model.fit(X, np.stack([BITS[:, 0] + 5, np.digitize(Y[:, 1], [-1, 1]) * 10], axis=1))
    yield "tree-codes", skl(model, zipmap=False), {"predictions": model.predict(HELD).tolist()}


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, onnx, answers in made():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        (FOLDER / f"{name}.onnx").write_bytes(onnx)
        (FOLDER / f"{name}.json").write_text(json.dumps({"data": HELD.tolist(), **answers}) + "\n")
        print(f"{name}: {len(onnx)} bytes")


main()
