#!/usr/bin/env python3
"""Saves the pipeline that adult.py --joblib wrote as an MLflow model with a signature, made from its golden rows.

With one, MLflow's server takes every form of its protocol; without, only data frames.

Usage: saveMlflowModel.py PIPELINE.joblib GOLDEN.json FOLDER
"""

import json
import sys

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

pipeline_path, golden_path, folder = sys.argv[1:]
pipeline = joblib.load(pipeline_path)
with open(golden_path, encoding="utf-8") as file:
    golden = json.load(file)
frame = pd.DataFrame(golden["data"], columns=golden["columns"]).dropna()
signature = infer_signature(frame, pipeline.predict(frame))
mlflow.sklearn.save_model(pipeline, folder, signature=signature, serialization_format="cloudpickle")
