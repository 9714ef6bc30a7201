"""Transformers that are one line of linear algebra, and regressors that are constant or a kernel."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from sklearn.base import ClusterMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import RidgeClassifier, RidgeClassifierCV
from sklearn.svm import LinearSVC

from servemodel.converters.meta import register_classifier
from servemodel.converters.nodes import Nodes, of_floats
from servemodel.errors import ExportError

AFFINE = {"decomposition": ["FactorAnalysis", "FastICA", "SparsePCA", "MiniBatchSparsePCA"],
          "random_projection": ["SparseRandomProjection"], "cluster": ["FeatureAgglomeration"], "cross_decomposition": ["PLSSVD"],
          "neighbors": ["NeighborhoodComponentsAnalysis"]}  # fmt: skip
"""Classes whose transform is a matrix and an offset."""


def _affine(nodes: Nodes, model: Any) -> str:
    """The transform as its answers to 0 and to the unit vectors say it."""
    width = int(model.n_features_in_)
    points = model.transform(np.vstack([np.zeros(width), np.eye(width)]))
    points = np.asarray(points.toarray() if hasattr(points, "toarray") else points)
    return nodes("Add", nodes("MatMul", nodes.doubles(), nodes.constant(points[1:] - points[0])), nodes.constant(points[0]))


def _affine_values(nodes: Nodes, model: Any) -> str:
    """A regressor that is linear in its columns."""
    width = int(model.n_features_in_)
    points = np.asarray(model.predict(np.vstack([np.zeros(width), np.eye(width)]))).reshape(width + 1, -1)
    return nodes("Add", nodes("MatMul", nodes.doubles(), nodes.constant(points[1:] - points[0])), nodes.constant(points[0]))


def _rbm(nodes: Nodes, model: Any) -> str:
    sums = nodes("MatMul", nodes.doubles(), nodes.constant(model.components_.T))
    return nodes("Sigmoid", nodes("Add", sums, nodes.constant(model.intercept_hidden_)))


def _rbf_sampler(nodes: Nodes, model: Any) -> str:
    angles = nodes("Add", nodes("MatMul", nodes.doubles(), nodes.constant(model.random_weights_)), nodes.constant(model.random_offset_))
    scale = np.sqrt(2.0) / np.sqrt(model.n_components)
    # ONNX Runtime's cosine in float64 is a sine.
    return nodes("Mul", nodes("Sin", nodes("Add", angles, nodes.constant([np.pi / 2]))), nodes.constant([scale]))


def _kernel(nodes: Nodes, model: Any, points: np.ndarray, what: str) -> str:
    """The kernel between rows [N, F] and points [M, F]: linear or rbf."""
    rows = nodes.doubles()
    products = nodes("MatMul", rows, nodes.constant(points.T))
    gamma = 1 / points.shape[1] if model.gamma is None else float(model.gamma)
    if model.kernel == "linear":
        return products
    if model.kernel != "rbf":
        raise ExportError(f"{what}(kernel={model.kernel!r}) has no ONNX form: use kernel='linear' or 'rbf'")
    own = nodes("ReduceSum", nodes("Mul", rows, rows), nodes.constant([1], "int64"), keepdims=1)
    squares = nodes("Add", nodes("Sub", own, nodes("Mul", products, nodes.constant([2.0]))), nodes.constant((points**2).sum(axis=1)[None]))
    return nodes("Exp", nodes("Mul", nodes("Max", squares, nodes.constant([0.0])), nodes.constant([-gamma])))


def _nystroem(nodes: Nodes, model: Any) -> str:
    return nodes("MatMul", _kernel(nodes, model, model.components_, "Nystroem"), nodes.constant(model.normalization_.T))


def _kernel_ridge(nodes: Nodes, model: Any) -> str:
    points = np.asarray(model.X_fit_, dtype="float64")
    return nodes("MatMul", _kernel(nodes, model, points, "KernelRidge"), nodes.constant(model.dual_coef_.reshape(len(points), -1)))


def _dummy_value(nodes: Nodes, model: Any) -> str:
    first = nodes.columns(nodes.doubles(), [0])
    # A missing or infinite cell times 0 isn't 0.
    zero = nodes("Where", nodes("IsNaN", first), nodes.constant([0.0]), nodes.constant([0.0]))
    return nodes("Add", zero, nodes.constant(np.asarray(model.constant_).reshape(1, -1)))


def _indicator(nodes: Nodes, model: Any) -> str:
    if not (isinstance(model.missing_values, float) and np.isnan(model.missing_values)):
        raise ExportError(f"MissingIndicator(missing_values={model.missing_values!r}) has no ONNX form: use missing_values=numpy.nan")
    return nodes.cast(nodes("IsNaN", nodes.columns(nodes.doubles(), [int(at) for at in model.features_])), "float64")


def _support(nodes: Nodes, model: Any) -> str:
    return nodes.columns(nodes.doubles(), [int(at) for at in np.flatnonzero(model.get_support())])


MAPS: dict[str, tuple[Callable[[Nodes, Any], str], Callable[[Any], int]]] = {
    "neural_network.BernoulliRBM": (_rbm, lambda model: len(model.components_)),
    "kernel_approximation.RBFSampler": (_rbf_sampler, lambda model: model.n_components),
    "kernel_approximation.Nystroem": (_nystroem, lambda model: len(model.normalization_)),
    "kernel_ridge.KernelRidge": (_kernel_ridge, lambda model: model.dual_coef_.reshape(len(model.X_fit_), -1).shape[1]),
    "cross_decomposition.CCA": (_affine_values, lambda model: model.intercept_.size),
    "cross_decomposition.PLSCanonical": (_affine_values, lambda model: model.intercept_.size),
    "dummy.DummyRegressor": (_dummy_value, lambda model: np.asarray(model.constant_).size),
    "impute.MissingIndicator": (_indicator, lambda model: len(model.features_)),
    "feature_selection.SequentialFeatureSelector": (_support, lambda model: int(model.get_support().sum())),
} | {
    f"{module}.{name}": (_affine, lambda model: model.transform(np.zeros((2, model.n_features_in_))).shape[1])
    for module, names in AFFINE.items() for name in names
}  # fmt: skip


def _dummy_classes(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    if model.strategy in ("stratified", "uniform"):
        raise ExportError(f"DummyClassifier(strategy='{model.strategy}') answers at random, and the same row another time otherwise")
    probabilities = model.predict_proba(np.zeros((1, 1)))
    first = nodes.columns(nodes.doubles(), [0])
    zero = nodes("Where", nodes("IsNaN", first), nodes.constant([0.0]), nodes.constant([0.0]))
    table = nodes("Add", zero, nodes.constant(probabilities))
    nodes.finish_label(table, model.classes_)
    nodes.finish(table, 1)


def _discriminant(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    sums = nodes("Add", nodes("MatMul", nodes.doubles(), nodes.constant(model.coef_.T)), nodes.constant(model.intercept_))
    if len(model.classes_) == 2:
        positive = nodes("Sigmoid", sums)
        table = nodes("Concat", nodes("Sub", nodes.constant([1.0]), positive), positive, axis=1)
    else:
        table = nodes("Softmax", sums, axis=1)
    nodes.finish_label(table, model.classes_)
    nodes.finish(table, 1)


def _is_multilabel(model: Any) -> bool:
    binarizer = getattr(model, "_label_binarizer", None)
    return binarizer is not None and str(binarizer.y_type_).startswith("multilabel")


def _linear_label(scope: Any, operator: Any, container: Any) -> None:
    """A linear classifier without probabilities: the scores stand in their place. Of several labels each is whether a score is above 0."""
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    weights, offsets = np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
    scores = nodes("Add", nodes("MatMul", nodes.doubles(), nodes.constant(weights)), nodes.constant(offsets))
    if _is_multilabel(model):
        above = nodes.cast(nodes("Greater", scores, nodes.constant([0.0])), "int64")
        name = scope.get_unique_operator_name("Identity")
        container.add_node("Identity", [above], [operator.outputs[0].full_name], name=name)
        nodes.finish(scores, 1)
        return
    if len(model.classes_) == 2:
        scores = nodes("Concat", nodes("Neg", scores), scores, axis=1)
    nodes.finish_label(scores, model.classes_)
    nodes.finish(scores, 1)


def _register(path: str, make: Callable[[Nodes, Any], str], width: Callable[[Any], int]) -> None:
    module, name = path.split(".")
    kind = getattr(importlib.import_module(f"sklearn.{module}"), name)

    def shapes(operator: Any) -> None:
        operator.outputs[0].type = of_floats(operator, width(operator.raw_operator))

    def convert(scope: Any, operator: Any, container: Any) -> None:
        nodes = Nodes(scope, operator, container)
        nodes.finish(make(nodes, operator.raw_operator))

    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(f"Servemodel{name}", model)
        operator.inputs = list(inputs)
        operator.outputs.append(scope.declare_local_variable("variable", of_floats(operator, width(model))))
        return list(operator.outputs)

    # Of what is a clusterer by its base, skl2onnx expects a label.
    parser = parse if issubclass(kind, ClusterMixin) else None
    update_registered_converter(kind, f"Servemodel{name}", shapes, convert, parser=parser, overwrite=True)


def register() -> None:
    for path, (make, width) in MAPS.items():
        _register(path, make, width)
    register_classifier(DummyClassifier, _dummy_classes)
    register_classifier(LinearDiscriminantAnalysis, _discriminant)
    for kind in (LinearSVC, RidgeClassifier, RidgeClassifierCV):
        register_classifier(kind, _linear_label)
