"""Models as people save them, with 250 rows that none of them has seen and the libraries' own answers to these.

    python makeModels.py FOLDER

Writes for each model its files and <name>.json: path, rows, predictions, probabilities.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")

import catboost
import joblib
import lightgbm
import mlflow
import mlflow.catboost
import mlflow.lightgbm
import mlflow.onnx
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import skops.io
import xgboost
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(0)
ROWS, HELD = 900, 250
ALL = pd.DataFrame(
    {
        "age": random.integers(18, 90, ROWS),
        "net pay": random.normal(1000, 300, ROWS).round(2),
        "rate": random.normal(size=ROWS),
        "city": random.choice(["Kiel", "Ulm", "Jena"], ROWS),
    }
)
NUMBERS = ["age", "net pay", "rate"]
FRAME, OTHERS = ALL[HELD:], ALL[:HELD]
X, T = FRAME[NUMBERS], FRAME
SCORE = ALL["age"] + ALL["net pay"] / 100 + 10 * ALL["rate"] + 5 * (ALL["city"] == "Ulm")
YES = (SCORE > SCORE.median()).astype(int)[HELD:]
THIRD = pd.qcut(SCORE, 3, labels=False)[HELD:]
VALUE = SCORE[HELD:]


def keep(name: str, path: str, rows: pd.DataFrame, predictions: Any, probabilities: Any = None) -> None:
    members = {
        "path": str(folder / path),
        "rows": json.loads(rows.to_json(orient="split", index=False, double_precision=15)),
        "predictions": np.ravel(predictions).tolist(),
        "probabilities": None if probabilities is None else np.asarray(probabilities).tolist(),
    }
    (folder / f"{name}.json").write_text(json.dumps(members))


def keep_estimator(name: str, path: str, model: Any, rows: pd.DataFrame) -> None:
    keep(name, path, rows, model.predict(rows), model.predict_proba(rows) if hasattr(model, "predict_proba") else None)


held = OTHERS[NUMBERS]
lgb = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(X, YES)
lgb.booster_.save_model(folder / "lgb.txt")
# LightGBM writes spaces in names as underscores.
plain = held.rename(columns={"net pay": "net_pay"})
keep("lightgbm", "lgb.txt", plain, lgb.predict(held), lgb.predict_proba(held))
value = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(X, VALUE)
value.booster_.save_model(folder / "lgbValue.txt")
keep("lightgbm-value", "lgbValue.txt", plain, value.predict(held))
xgb = xgboost.XGBClassifier(n_estimators=20).fit(X, YES)
for ending in ("json", "ubj"):
    xgb.save_model(folder / f"xgb.{ending}")
    keep_estimator(f"xgboost-{ending}", f"xgb.{ending}", xgb, held)
third = xgboost.XGBClassifier(n_estimators=8).fit(X, THIRD)
third.save_model(folder / "third")
keep_estimator("xgboost-third", "third", third, held)
cat = catboost.CatBoostClassifier(iterations=30, verbose=0, allow_writing_files=False).fit(X, np.where(YES, "yes", "no"))
cat.save_model(str(folder / "cat.cbm"))
keep_estimator("catboost", "cat.cbm", cat, held)

pipeline = make_pipeline(
    ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("n", StandardScaler(), NUMBERS)]),
    LogisticRegression(),
).fit(T, YES)
inside = make_pipeline(
    ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("n", "passthrough", NUMBERS)]),
    catboost.CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False),
).fit(T, YES)
joblib.dump(pipeline, folder / "pipeline.joblib", compress=3)
keep_estimator("joblib", "pipeline.joblib", pipeline, OTHERS)
joblib.dump(inside, folder / "inside.pkl")
keep_estimator("catboost-inside", "inside.pkl", inside, OTHERS)
skops.io.dump(pipeline, folder / "pipeline.skops")
keep_estimator("skops", "pipeline.skops", pipeline, OTHERS)
FRAME.assign(late=YES).to_csv(folder / "rows.csv", index=False)

signature = infer_signature(T, YES)
mlflow.sklearn.save_model(
    pipeline, folder / "mlSkops", signature=signature, input_example=T[:5], serialization_format="skops"
)  # fmt: skip
keep_estimator("mlflow-skops", "mlSkops", pipeline, OTHERS)
mlflow.sklearn.save_model(pipeline, folder / "mlPickle", signature=signature, serialization_format="cloudpickle")
keep_estimator("mlflow-pickle", "mlPickle", pipeline, OTHERS)
mlflow.lightgbm.save_model(lgb.booster_, folder / "mlLightgbm", signature=infer_signature(X, YES), input_example=X[:5])
keep_estimator("mlflow-lightgbm", "mlLightgbm", lgb, held)
mlflow.xgboost.save_model(xgb, folder / "mlXgboost", signature=infer_signature(X, YES))
keep_estimator("mlflow-xgboost", "mlXgboost", xgb, held)
forest = RandomForestClassifier(15, max_depth=5, random_state=0).fit(X.to_numpy("float32"), YES)
graph = to_onnx(forest, X[:1].to_numpy("float32"), options={"zipmap": False})
mlflow.onnx.save_model(graph, folder / "mlOnnx", signature=infer_signature(X, YES))
keep("mlflow-onnx", "mlOnnx", held, forest.predict(held.to_numpy("float32")), forest.predict_proba(held.to_numpy("float32")))
