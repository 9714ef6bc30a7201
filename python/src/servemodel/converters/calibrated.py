"""CalibratedClassifierCV and IsotonicRegression: skl2onnx takes the nearest step of an isotonic curve, not the line between two."""

from __future__ import annotations

from typing import Any

from skl2onnx import update_registered_converter
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression

from servemodel.converters.meta import mean, register_classifier, scores, value_shapes
from servemodel.converters.nodes import Nodes
from servemodel.errors import ExportError
from servemodel.walk import estimators, final_step


def scored_raw(model: Any) -> list[Any]:
    """The estimators inside of a model whose decision_function is calibrated."""
    found = []
    for one in estimators(model):
        for each in getattr(one, "calibrated_classifiers_", []):
            if hasattr(each.estimator, "decision_function"):
                found.append(final_step(each.estimator))
    return found


def isotonic(nodes: Nodes, model: Any, values: str) -> str:
    """The curve of a fitted IsotonicRegression at values [N, 1]."""
    answers = nodes.interpolated(values, model.X_thresholds_, model.y_thresholds_)
    # Elsewhere the library answers NaN, or refuses.
    return answers if model.out_of_bounds == "clip" else nodes.only_between(values, model.X_min_, model.X_max_, answers)


def _calibrated(nodes: Nodes, calibrator: Any, score: str) -> str:
    if isinstance(calibrator, IsotonicRegression):
        return isotonic(nodes, calibrator, score)
    # Platt: 1 / (1 + exp(a * score + b)).
    exponent = nodes("Add", nodes("Mul", score, nodes.constant([float(calibrator.a_)])), nodes.constant([float(calibrator.b_)]))
    return nodes("Sigmoid", nodes("Neg", exponent))


def _one(nodes: Nodes, each: Any, scores: str, classes: int) -> str:
    """Probabilities [N, k] of one of the calibrated classifiers, of its scores [N, 1 or k]."""
    if each.method not in ("sigmoid", "isotonic"):
        raise ExportError(
            f"CalibratedClassifierCV(method='{each.method}') has no ONNX form: use method='sigmoid' or 'isotonic'"
        )
    raw = hasattr(each.estimator, "decision_function")
    if classes == 2:
        # skl2onnx gives raw scores of both classes, or of one.
        score = nodes.columns(scores, [-1]) if raw else nodes.columns(scores, [1])
        positive = _calibrated(nodes, each.calibrators[0], score)
        return nodes("Concat", nodes("Sub", nodes.constant([1.0]), positive), positive, axis=1)
    if len(each.calibrators) != classes:
        raise ExportError("CalibratedClassifierCV saw a part without one of the classes: fit it on more rows of each class, or with fewer folds")
    parts = [_calibrated(nodes, calibrator, nodes.columns(scores, [at])) for at, calibrator in enumerate(each.calibrators)]
    table = nodes("Concat", *parts, axis=1)
    total = nodes("ReduceSum", table, nodes.constant([1], "int64"), keepdims=1)
    none = nodes("Equal", total, nodes.constant([0.0]))
    shares = nodes("Div", table, nodes("Where", none, nodes.constant([1.0]), total))
    return nodes("Where", none, nodes.constant([1 / classes]), shares)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    tables = [_one(nodes, each, scores(nodes, each.estimator), len(model.classes_)) for each in model.calibrated_classifiers_]
    table = mean(nodes, tables)
    nodes.finish_label(table, model.classes_)
    nodes.finish(table, 1)


def _convert_isotonic(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, operator, container)
    nodes.finish(isotonic(nodes, operator.raw_operator, nodes.doubles()))


def register() -> None:
    register_classifier(CalibratedClassifierCV, _convert)
    update_registered_converter(IsotonicRegression, "ServemodelIsotonic", value_shapes, _convert_isotonic, overwrite=True)
