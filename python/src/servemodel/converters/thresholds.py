"""FixedThresholdClassifier and TunedThresholdClassifierCV: another limit than one half between two classes."""

from __future__ import annotations

from typing import Any

from sklearn import model_selection

from servemodel.converters.meta import register_classifier, scores
from servemodel.converters.nodes import Nodes
from servemodel.errors import ExportError


def _threshold(model: Any) -> float:
    threshold = getattr(model, "best_threshold_", None)
    threshold = model.threshold if threshold is None else threshold
    return 0.5 if threshold == "auto" else float(threshold)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    if model.response_method == "decision_function" or not hasattr(model.estimator_, "predict_proba"):
        raise ExportError(
            f"{type(model).__name__} compares a decision_function, which has no ONNX form: fit it with "
            "response_method='predict_proba'"
        )
    table = scores(nodes, model.estimator_)
    classes = list(model.classes_)
    positive = 1 if getattr(model, "pos_label", None) is None else classes.index(model.pos_label)
    reached = nodes("GreaterOrEqual", nodes.columns(table, [positive]), nodes.constant([_threshold(model)]))
    index = nodes("Where", reached, nodes.constant([positive], "int64"), nodes.constant([1 - positive], "int64"))
    nodes.finish_choice(nodes("Reshape", index, nodes.constant([-1], "int64")), model.classes_)
    nodes.finish(table, 1)


def register() -> None:
    for name in ("FixedThresholdClassifier", "TunedThresholdClassifierCV"):
        kind = getattr(model_selection, name, None)
        # From scikit-learn 1.5 on.
        if kind is not None:
            register_classifier(kind, _convert)
