"""The quality of a model, measured with the true answers in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score

from servemodel.parity import Answers, Label, label_text
from servemodel.result import Metrics


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return label_text(value) if pd.notna(value) and float(value).is_integer() else str(value)


def measure(answers: Answers, actual: pd.Series, classes: list[Label] | None, own: Sequence[Any] = ()) -> Metrics:
    """Quality on the frame, given its target [N].

    own: the model's own classes, where `classes` are names for them.
    """
    if answers.probabilities is None:
        values = actual.astype("float64")
        return {
            "r2": float(r2_score(values, answers.predictions)),
            "mean_absolute_error": float(mean_absolute_error(values, answers.predictions)),
        }
    names = [label_text(name) for name in classes or []]
    named = dict(zip(map(_text, own), names, strict=False))
    said = actual.map(_text).map(lambda text: named.get(text, text)).astype(str)
    metrics: Metrics = {"accuracy": float(accuracy_score(said, answers.predictions.astype(str)))}
    if len(names) == 2 and set(said) == set(names):
        metrics["roc_auc"] = float(roc_auc_score(said == names[1], answers.probabilities[:, 1]))
    return metrics
