"""The quality of a model, measured with the true answers in the frame."""

from __future__ import annotations

import pandas as pd
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score

from exporter.parity import Answers
from exporter.result import Metrics


def measure(answers: Answers, actual: pd.Series, classes: list[str | int] | None) -> Metrics:
    """Quality on the frame, given its target [N]."""
    if answers.probabilities is None:
        values = actual.astype("float64")
        return {
            "r2": float(r2_score(values, answers.predictions)),
            "mean_absolute_error": float(mean_absolute_error(values, answers.predictions)),
        }
    names = [str(name) for name in classes or []]
    said = actual.astype(str)
    metrics: Metrics = {"accuracy": float(accuracy_score(said, answers.predictions.astype(str)))}
    if len(names) == 2 and set(said) == set(names):
        metrics["roc_auc"] = float(roc_auc_score(said == names[1], answers.probabilities[:, 1]))
    return metrics
