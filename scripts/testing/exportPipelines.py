#!/usr/bin/env python3
"""Write the small pipelines on which the lifting pass is tested: server/compiler/fixtures/*.onnx and *.json.

Each is a few columns, a few encoders and a small model, fitted on made-up rows and exported as a data scientist
would. The .json holds the signature and some rows with the training library's own answers.

    scripts/testing/exportPipelines.py [NAME ...] && npx prettier --write server/compiler/fixtures

Shapes in this file: N training rows, 7 columns. Needs scripts/testing/pipelines-requirements.txt.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The exporters walk through sets: without a fixed hash of strings the files would differ from run to run.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnx
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from xgboost import XGBClassifier, XGBRegressor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))
from servemodel.convert import name_classes

FOLDER = Path(__file__).resolve().parents[2] / "server" / "compiler" / "fixtures"
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}
ROWS = 400
REFERENCE_ROWS = 40
MAX_BYTES = 60_000

CITIES = [" Oslo", "Aarhus", "Zürich", "京都", "Quito", "Lagos"]
SIZES = ["large", "medium", "small"]
ZIPS = [1010, 2020, 3030, 70000]


def make_frame(rows: int, seed: int) -> pd.DataFrame:
    """[N, 7] frame; `amount` and `age` have missing values."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "city": random.choice(CITIES, rows, p=[0.4, 0.2, 0.2, 0.14, 0.04, 0.02]),
            "size": random.choice(SIZES, rows),
            "zip": random.choice(ZIPS, rows),
            "amount": np.where(random.random(rows) < 0.1, np.nan, random.normal(1000, 700, rows).round(2)),
            "age": np.where(random.random(rows) < 0.1, np.nan, random.integers(0, 90, rows)),
            "visits": random.integers(0, 12, rows),
            "member": random.random(rows) < 0.5,
        }
    )


def make_target(frame: pd.DataFrame, classes: int, seed: int) -> np.ndarray:
    """[N] class numbers that depend on every column, with noise."""
    random = np.random.default_rng(seed)
    score = (
        frame["city"].map({name: i for i, name in enumerate(CITIES)})
        + 2 * (frame["size"] == "large")
        + frame["amount"].fillna(0) / 500
        + frame["age"].fillna(0) / 30
        + frame["visits"] / 4
        + frame["member"] * 2
        + (frame["zip"] == 2020) * 2
        + random.normal(0, 1, len(frame))
    )
    return np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]))


@dataclass(frozen=True)
class Column:
    """How a column is declared to the exporter and described in the signature."""

    kind: str  # the signature's type
    tensor: type
    nullable: bool = False


TEXT = Column("string", StringTensorType)
NUMBER = Column("number", FloatTensorType)
DOUBLE = Column("number", DoubleTensorType)
MAYBE = Column("number", FloatTensorType, nullable=True)
MAYBE_INTEGER = Column("integer", FloatTensorType, nullable=True)
INTEGER = Column("integer", Int64TensorType)
INTEGER_AS_FLOAT = Column("integer", FloatTensorType)
BOOLEAN = Column("boolean", BooleanTensorType)


@dataclass(frozen=True)
class Case:
    """A pipeline: columns in the order of the signature, what encodes them, and the model."""

    columns: dict[str, Column]
    encode: list[tuple[str, Any, Any]]
    model: Any
    after: list[Any] = field(default_factory=list)  # between the encoders and the model
    classes: list[Any] | None = None  # None: a regression
    names: list[str] | None = None  # of the classes, in the graph
    matrix: bool = False  # all columns in one ONNX input
    tolerance: float = 1e-5


def forest(**settings: Any) -> RandomForestClassifier:
    # An odd number of trees: no ties.
    return RandomForestClassifier(n_estimators=7, max_depth=4, random_state=0, **settings)


YES_NO = ["no", "yes"]
LEVELS = ["high", "low", "middle"]
ONE_HOT = OneHotEncoder(handle_unknown="ignore")
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def lightgbm(kind: type, **settings: Any) -> Any:
    return kind(n_estimators=8, num_leaves=7, random_state=0, deterministic=True, n_jobs=1, verbose=-1, **settings)


def xgboost(kind: type, **settings: Any) -> Any:
    return kind(n_estimators=8, max_depth=3, random_state=0, n_jobs=1, **settings)


TEXTS_AND_NUMBERS = {"amount": NUMBER, "city": TEXT, "visits": INTEGER_AS_FLOAT, "size": TEXT}
NUMBERS = {"amount": NUMBER, "age": NUMBER, "visits": INTEGER_AS_FLOAT}
NUMERIC = ["amount", "visits"]


def scaled(scaler: Any) -> Case:
    return Case(NUMBERS, [("scale", scaler, ["amount", "age", "visits"])], LogisticRegression(), classes=YES_NO)


CASES: dict[str, Callable[[], Case]] = {
    "onehot-texts": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ONE_HOT, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        forest(),
        classes=YES_NO,
    ),
    "onehot-one-text": lambda: Case(
        {"city": TEXT, "amount": NUMBER},
        [("numbers", "passthrough", ["amount"]), ("text", ONE_HOT, ["city"])],
        forest(),
        classes=YES_NO,
    ),
    "onehot-integers": lambda: Case(
        {"zip": INTEGER, "visits": INTEGER, "amount": NUMBER},
        [("integers", ONE_HOT, ["zip", "visits"]), ("numbers", "passthrough", ["amount"])],
        forest(),
        classes=YES_NO,
    ),
    "onehot-integers-as-floats": lambda: Case(
        {"zip": INTEGER_AS_FLOAT, "amount": NUMBER},
        [("integers", ONE_HOT, ["zip"]), ("numbers", "passthrough", ["amount"])],
        forest(),
        classes=YES_NO,
    ),
    "onehot-drop-first": lambda: Case(
        TEXTS_AND_NUMBERS,
        [
            ("texts", OneHotEncoder(handle_unknown="ignore", drop="first"), ["city", "size"]),
            ("numbers", "passthrough", NUMERIC),
        ],
        forest(),
        classes=YES_NO,
    ),
    "onehot-infrequent": lambda: Case(
        TEXTS_AND_NUMBERS,
        [
            ("texts", OneHotEncoder(handle_unknown="ignore", min_frequency=0.1), ["city", "size"]),
            ("numbers", "passthrough", NUMERIC),
        ],
        forest(),
        classes=YES_NO,
    ),
    "onehot-refuses-unknown": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", OneHotEncoder(), ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        forest(),
        classes=YES_NO,
    ),
    "onehot-scaled": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", OneHotEncoder(handle_unknown="ignore"), ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        LogisticRegression(max_iter=1000),
        after=[StandardScaler(with_mean=False)],
        classes=LEVELS,
    ),
    "ordinal-texts": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ORDINAL, ["size", "city"]), ("numbers", "passthrough", NUMERIC)],
        forest(),
        classes=YES_NO,
    ),
    "ordinal-integers": lambda: Case(
        {"zip": INTEGER, "visits": INTEGER, "amount": NUMBER},
        [("integers", ORDINAL, ["zip", "visits"]), ("numbers", "passthrough", ["amount"])],
        forest(),
        classes=YES_NO,
    ),
    "ordinal-unknown-nan": lambda: Case(
        {"city": TEXT, "amount": MAYBE},
        [
            ("texts", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["city"]),
            ("numbers", "passthrough", ["amount"]),
        ],
        HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=7, random_state=0),
        classes=YES_NO,
    ),
    "target-encoder": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", TargetEncoder(random_state=0), ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        RandomForestRegressor(n_estimators=5, max_depth=4, random_state=0),
    ),
    "standard-scaler": lambda: scaled(StandardScaler()),
    "maxabs-scaler": lambda: scaled(MaxAbsScaler()),
    "robust-scaler": lambda: scaled(RobustScaler()),
    "minmax-scaler": lambda: scaled(MinMaxScaler()),
    "standard-scaler-double": lambda: Case(
        {"amount": DOUBLE, "age": DOUBLE},
        [("scale", make_pipeline(StandardScaler(), CastTransformer(dtype=np.float32)), ["amount", "age"])],
        forest(),
        classes=YES_NO,
    ),
    "scaler-mixed-types": lambda: Case(
        {"amount": NUMBER, "visits": INTEGER},
        [("scale", StandardScaler(), ["amount", "visits"])],
        Ridge(),
    ),
    "imputer-scaler": lambda: Case(
        {"amount": MAYBE, "age": MAYBE_INTEGER, "city": TEXT},
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["amount", "age"]),
            ("texts", ONE_HOT, ["city"]),
        ],
        LogisticRegression(max_iter=1000),
        classes=LEVELS,
    ),
    "imputer-constant": lambda: Case(
        {"amount": MAYBE, "age": MAYBE_INTEGER},
        [("numbers", SimpleImputer(strategy="constant", fill_value=-1), ["age", "amount"])],
        forest(),
        classes=YES_NO,
    ),
    "imputer-integers": lambda: Case(
        {"visits": INTEGER, "zip": INTEGER},
        [("numbers", SimpleImputer(strategy="most_frequent"), ["visits", "zip"])],
        forest(),
        classes=YES_NO,
    ),
    "imputer-texts": lambda: Case(
        {"city": TEXT, "amount": NUMBER},
        [
            (
                "texts",
                make_pipeline(SimpleImputer(missing_values="", strategy="constant", fill_value="Quito"), ONE_HOT),
                ["city"],
            ),
            ("numbers", "passthrough", ["amount"]),
        ],
        forest(),
        classes=YES_NO,
    ),
    "booleans": lambda: Case(
        {"member": BOOLEAN, "amount": NUMBER},
        [("flags", "passthrough", ["member"]), ("numbers", "passthrough", ["amount"])],
        forest(),
        classes=YES_NO,
    ),
    "boolean-labels": lambda: Case(
        {"visits": INTEGER, "amount": NUMBER},
        [("numbers", "passthrough", ["visits", "amount"])],
        forest(),
        classes=[False, True],
    ),
    "named-labels": lambda: Case(
        {"visits": INTEGER, "amount": NUMBER},
        [("numbers", "passthrough", ["visits", "amount"])],
        forest(),
        classes=[0, 1, 2],
        names=["low", "middle", "high"],
    ),
    "named-labels-xgboost": lambda: Case(
        {"visits": INTEGER, "amount": NUMBER},
        [("numbers", "passthrough", ["visits", "amount"])],
        xgboost(XGBClassifier),
        classes=[0, 1, 2],
        names=["low", "middle", "high"],
    ),
    "matrix": lambda: Case(NUMBERS, [], forest(), classes=LEVELS, matrix=True),
    "matrix-by-index": lambda: Case(
        NUMBERS,
        [("scale", StandardScaler(), [2, 0]), ("rest", "passthrough", [1])],
        LogisticRegression(),
        classes=YES_NO,
        matrix=True,
    ),
    "kbins-ordinal": lambda: Case(
        NUMBERS,
        [
            (
                "bins",
                KBinsDiscretizer(n_bins=4, encode="ordinal", quantile_method="averaged_inverted_cdf"),
                ["amount", "visits"],
            )
        ],
        forest(),
        classes=YES_NO,
    ),
    "kbins-onehot": lambda: Case(
        NUMBERS,
        [
            (
                "bins",
                KBinsDiscretizer(n_bins=4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
                ["amount", "visits"],
            )
        ],
        forest(),
        classes=YES_NO,
    ),
    "binarizer": lambda: Case(
        NUMBERS,
        [("flags", Binarizer(threshold=500), ["amount"]), ("numbers", "passthrough", ["age", "visits"])],
        forest(),
        classes=YES_NO,
    ),
    "polynomial": lambda: Case(
        NUMBERS,
        [("terms", PolynomialFeatures(2), ["amount", "visits"])],
        forest(),
        classes=YES_NO,
    ),
    "normalizer": lambda: Case(NUMBERS, [("norm", Normalizer(), ["amount", "age"])], LogisticRegression(), classes=YES_NO),
    "pca": lambda: Case(
        NUMBERS,
        [("numbers", make_pipeline(StandardScaler(), PCA(2)), ["amount", "age", "visits"])],
        LogisticRegression(),
        classes=YES_NO,
    ),
    "hist-gradient-boosting": lambda: Case(
        {"amount": MAYBE, "age": MAYBE_INTEGER, "city": TEXT},
        [("texts", ORDINAL, ["city"]), ("numbers", "passthrough", ["amount", "age"])],
        HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=7, random_state=0),
        classes=LEVELS,
    ),
    "gradient-boosting": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ONE_HOT, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        GradientBoostingClassifier(n_estimators=8, max_depth=3, random_state=0),
        classes=YES_NO,
    ),
    "gradient-boosting-regressor": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ONE_HOT, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        GradientBoostingRegressor(n_estimators=8, max_depth=3, random_state=0),
    ),
    "extra-trees-regressor": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ORDINAL, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        ExtraTreesRegressor(n_estimators=5, max_depth=4, random_state=0),
    ),
    "lightgbm": lambda: Case(
        {"amount": MAYBE, "city": TEXT, "age": MAYBE_INTEGER, "size": TEXT},
        [("texts", ORDINAL, ["city", "size"]), ("numbers", "passthrough", ["amount"])],
        lightgbm(LGBMClassifier),
        classes=YES_NO,
    ),
    "lightgbm-classes": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ONE_HOT, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        lightgbm(LGBMClassifier),
        classes=LEVELS,
    ),
    "lightgbm-regressor": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ORDINAL, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        lightgbm(LGBMRegressor),
    ),
    "lightgbm-poisson": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ORDINAL, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        lightgbm(LGBMRegressor, objective="poisson"),
    ),
    "xgboost": lambda: Case(
        {"amount": MAYBE, "city": TEXT, "visits": INTEGER_AS_FLOAT},
        [("texts", ONE_HOT, ["city"]), ("numbers", "passthrough", ["amount", "visits"])],
        xgboost(XGBClassifier),
        classes=[0, 1, 2],
    ),
    "xgboost-regressor": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ORDINAL, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        xgboost(XGBRegressor),
    ),
    "adaboost": lambda: Case(
        TEXTS_AND_NUMBERS,
        [("texts", ONE_HOT, ["city", "size"]), ("numbers", "passthrough", NUMERIC)],
        AdaBoostClassifier(n_estimators=4, random_state=0),
        classes=YES_NO,
    ),
    "linear-one-numeric-input": lambda: Case(NUMBERS, [], Ridge(), matrix=True),
}


def register_boosters() -> None:
    for kind, name in ((LGBMClassifier, "LightGbmLGBMClassifier"), (LGBMRegressor, "LgbmRegressor")):
        shapes = (
            calculate_linear_classifier_output_shapes
            if kind is LGBMClassifier
            else calculate_linear_regressor_output_shapes
        )
        options = {"nocl": [True, False], "zipmap": [True, False, "columns"]} if kind is LGBMClassifier else {"split": None}
        update_registered_converter(kind, name, shapes, convert_lightgbm, options=options)
    update_registered_converter(
        XGBClassifier,
        "XGBoostXGBClassifier",
        calculate_linear_classifier_output_shapes,
        convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        XGBRegressor, "XGBoostXGBRegressor", calculate_linear_regressor_output_shapes, convert_xgboost
    )


def training_frame(case: Case, seed: int) -> pd.DataFrame:
    """[N, columns of the case] frame in the types that the columns have; missing values only where they may be."""
    frame = make_frame(ROWS, seed)[list(case.columns)]
    for name, column in case.columns.items():
        if column.kind in ("number", "integer") and not column.nullable:
            frame[name] = frame[name].fillna(7)
        if column.tensor is FloatTensorType or column.tensor is DoubleTensorType:
            frame[name] = frame[name].astype(np.float64)
    return frame


def edge_frame(case: Case, frame: pd.DataFrame) -> pd.DataFrame:
    """Reference rows: some as in training, some with what training never saw."""
    rows = frame.head(REFERENCE_ROWS).copy()
    for number, (name, column) in enumerate(case.columns.items()):
        at = rows.index[2 + 3 * number]
        if column.kind == "string":
            rows.loc[at, name] = "Atlantis"
            rows.loc[at + 1, name] = ""
        elif column.kind == "number":
            rows.loc[at, name] = 12345.5
            rows.loc[at + 1, name] = np.nan if column.nullable else -3.25
        elif column.kind == "integer":
            rows.loc[at, name] = -5
            rows.loc[at + 1, name] = np.nan if column.nullable else 100_000
    return rows


def initial_types(case: Case) -> list[tuple[str, Any]]:
    if case.matrix:
        return [("X", FloatTensorType([None, len(case.columns)]))]
    return [(name, column.tensor([None, 1])) for name, column in case.columns.items()]


def cell(value: Any, column: Column) -> Any:
    if column.kind == "string":
        return str(value)
    if column.kind == "boolean":
        return bool(value)
    if pd.isna(value):
        return None
    return int(value) if column.kind == "integer" else float(value)


def signature(case: Case, frame: pd.DataFrame, model: onnx.ModelProto) -> dict[str, Any]:
    names = [value.name for value in model.graph.input]
    inputs = []
    for number, (name, column) in enumerate(case.columns.items()):
        entry: dict[str, Any] = {
            "name": name,
            "onnx": names[0] if case.matrix else names[number],
            "type": column.kind,
            "nullable": column.nullable,
        }
        if column.kind == "string":
            entry["categories"] = sorted(frame[name].unique())
        elif column.kind != "boolean":
            entry["range"] = [cell(frame[name].min(), column), cell(frame[name].max(), column)]
        inputs.append(entry)
    outputs = [value.name for value in model.graph.output]
    if case.classes is None:
        return {"task": "regression", "inputs": inputs, "outputs": {"value": outputs[0]}}
    return {
        "task": "classification",
        "inputs": inputs,
        "outputs": {"label": outputs[0], "probabilities": outputs[1], "classes": case.names or case.classes},
    }


def export(name: str, case: Case) -> None:
    frame = training_frame(case, seed=len(name))
    classes = 2 if case.classes is None else len(case.classes)
    full = make_frame(ROWS, seed=len(name))
    target: np.ndarray = make_target(full, classes, seed=1)
    if case.classes is not None:
        target = np.array(case.classes)[target]
    else:
        target = full["visits"] * 2.5 + full["amount"].fillna(0) / 100 + 1
        target = np.abs(target.to_numpy())
    X = frame.to_numpy(np.float32) if case.matrix else frame
    steps: list[Any] = []
    if case.encode:
        steps.append(ColumnTransformer(case.encode, sparse_threshold=0))
    pipeline = make_pipeline(*steps, *case.after, case.model)
    pipeline.fit(X, target)
    options = {id(pipeline): {"zipmap": False}} if case.classes is not None else None
    model = convert_sklearn(
        pipeline, name=name, initial_types=initial_types(case), target_opset=TARGET_OPSET, options=options
    )
    named = dict(zip(case.classes or [], case.names or [], strict=False))
    if case.names is not None:
        name_classes(model, list(named), case.names)
    reference = edge_frame(case, frame)
    if name == "onehot-refuses-unknown":
        reference = frame.head(REFERENCE_ROWS)
    asked = reference.to_numpy(np.float32) if case.matrix else reference
    document: dict[str, Any] = {
        "signature": signature(case, frame, model),
        "data": [
            [cell(row[column_name], column) for column_name, column in case.columns.items()]
            for _, row in reference.iterrows()
        ],
        "predictions": [named.get(p, p) for p in pipeline.predict(asked).tolist()],
    }
    if case.classes is not None:
        document["probabilities"] = pipeline.predict_proba(asked).tolist()
    encoded = model.SerializeToString()
    if len(encoded) > MAX_BYTES:
        sys.exit(f"{name}: {len(encoded)} bytes are too many for a fixture")
    (FOLDER / f"{name}.onnx").write_bytes(encoded)
    (FOLDER / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    chain = " ".join(node.op_type for node in model.graph.node)
    print(f"{name:28} {len(encoded):6} bytes  {chain[:150]}")


def main() -> None:
    warnings.filterwarnings("ignore")
    register_boosters()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or CASES:
        export(name, CASES[name]())


if __name__ == "__main__":
    main()
