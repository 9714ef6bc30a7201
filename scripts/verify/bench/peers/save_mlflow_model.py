"""Saves the scikit-learn pipeline that train.py --joblib wrote as a model that `mlflow models serve` takes.

Usage: save_mlflow_model.py PIPELINE.joblib FOLDER
"""

import sys

import joblib
import mlflow.sklearn

pipeline, folder = sys.argv[1:]
mlflow.sklearn.save_model(joblib.load(pipeline), folder, serialization_format="cloudpickle")
