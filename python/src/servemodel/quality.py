"""The quality of a model, measured with the true answers in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score

from servemodel.answers import Answers, Form, Label, label_text
from servemodel.result import Metrics


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return label_text(value) if pd.notna(value) and float(value).is_integer() else str(value)


def _said(actual: pd.Series, classes: Sequence[Label], own: Sequence[Any]) -> pd.Series:
    """True labels [N] as the texts of the classes. own: the model's own classes, where `classes` are names for them."""
    named = dict(zip(map(_text, own), map(label_text, classes), strict=False))
    return actual.map(_text).map(lambda text: named.get(text, text)).astype(str)


def measure(answers: Answers, actual: pd.DataFrame, form: Form, own: Sequence[Sequence[Any]] = ()) -> Metrics:
    """Quality on the frame, given its targets [N, L], one for each value or label; nothing where they are no answers.

    own: for each label the model's own classes.
    """
    if form.task in ("regression", "multioutput-regression"):
        values = actual.astype("float64")
        return {
            "r2": float(r2_score(values, answers.numbers)),
            "mean_absolute_error": float(mean_absolute_error(values, answers.numbers)),
        }
    if form.task not in ("classification", "multilabel-classification"):
        return {}
    said = [_said(actual.iloc[:, at], *pair) for at, pair in enumerate(zip(form.classes, own or form.classes, strict=True))]
    right = np.stack([one.to_numpy(str) == answers.labels[:, at].astype(str) for at, one in enumerate(said)], axis=1)
    # Of several labels: a row is right if all of them are.
    metrics: Metrics = {"accuracy": float(accuracy_score(np.ones(len(right)), right.all(axis=1)))}
    names = [label_text(name) for name in form.classes[0]]
    if form.task == "classification" and form.numbers and len(names) == 2 and set(said[0]) == set(names):
        metrics["roc_auc"] = float(roc_auc_score(said[0] == names[1], answers.numbers[:, 1]))
    return metrics
