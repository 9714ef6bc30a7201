"""What compares a row with centres: clusterers, mixtures, the nearest centroid, outlier detectors that are an ellipse or a kernel. Computed in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import Int64TensorType
from sklearn.cluster import AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import NearestCentroid
from sklearn.svm import OneClassSVM

from servemodel.converters.meta import register_classifier
from servemodel.errors import ExportError
from servemodel.converters.nodes import Nodes, of_floats

NEAREST: dict[type, str] = {
    KMeans: "cluster_centers_", MiniBatchKMeans: "cluster_centers_", MeanShift: "cluster_centers_",
    AffinityPropagation: "cluster_centers_", Birch: "subcluster_centers_",
}  # fmt: skip


def _squares(nodes: Nodes, rows: str, points: np.ndarray) -> str:
    """Squared distances [N, M] between rows [N, F] and points [M, F]."""
    # Around the points, so that far from 0 no digits are lost.
    middle = points.mean(axis=0)
    rows = nodes("Sub", rows, nodes.constant(middle))
    points = points - middle
    own = nodes("ReduceSum", nodes("Mul", rows, rows), nodes.constant([1], "int64"), keepdims=1)
    products = nodes("MatMul", rows, nodes.constant(points.T * 2))
    squares = nodes("Add", nodes("Sub", own, products), nodes.constant((points**2).sum(axis=1)[None]))
    return nodes("Max", squares, nodes.constant([0.0]))


def _label(nodes: Nodes, label: str) -> None:
    name = nodes.scope.get_unique_operator_name("Identity")
    nodes.container.add_node("Identity", [label], [nodes.operator.outputs[0].full_name], name=name)


def _distances(nodes: Nodes, squares: str) -> None:
    nodes.finish(nodes("Sqrt", squares), 1)


def _nearest(nodes: Nodes, model: Any) -> None:
    points = np.asarray(getattr(model, NEAREST[type(model)]), dtype="float64")
    squares = _squares(nodes, nodes.doubles(), points)
    nearest = nodes("ArgMin", squares, axis=1, keepdims=0)
    known = getattr(model, "subcluster_labels_", None)
    _label(nodes, nearest if known is None else nodes("Gather", nodes.constant(known, "int64"), nearest))
    _distances(nodes, squares)


def _bisecting(nodes: Nodes, model: BisectingKMeans) -> None:
    """Goes down the tree of bisections, whose leaves aren't always the nearest."""
    rows = nodes.doubles()
    mean = getattr(model, "_X_mean", 0.0)

    def label(node: Any) -> str:
        if node.left is None:
            return nodes.constant([[int(node.label)]], "int64")
        left, right = (np.asarray(one.center, dtype="float64") + mean for one in (node.left, node.right))
        # The side of the plane in the middle between both.
        side = nodes("MatMul", nodes("Sub", rows, nodes.constant((left + right) / 2)), nodes.constant((right - left)[:, None]))
        return nodes("Where", nodes("Greater", side, nodes.constant([0.0])), label(node.right), label(node.left))

    _label(nodes, label(model._bisecting_tree))
    _distances(nodes, _squares(nodes, rows, np.asarray(model.cluster_centers_, dtype="float64")))


def _mixture(nodes: Nodes, model: Any) -> None:
    """The distance to each centre in its own scale, and a constant: its logarithm of a probability."""
    rows = nodes.doubles()
    means = np.asarray(model.means_, dtype="float64")
    at_means = np.diagonal(model._estimate_weighted_log_prob(means))
    columns = []
    for at, mean in enumerate(means):
        away = nodes("Sub", rows, nodes.constant(mean))
        scale = np.asarray(model.precisions_cholesky_, dtype="float64")
        if model.covariance_type == "full":
            scaled = nodes("MatMul", away, nodes.constant(scale[at]))
        elif model.covariance_type == "tied":
            scaled = nodes("MatMul", away, nodes.constant(scale))
        else:
            scaled = nodes("Mul", away, nodes.constant(np.atleast_1d(scale[at])))
        columns.append(nodes("ReduceSum", nodes("Mul", scaled, scaled), nodes.constant([1], "int64"), keepdims=1))
    squares = nodes("Concat", *columns, axis=1)
    logarithms = nodes("Add", nodes("Mul", squares, nodes.constant([-0.5])), nodes.constant(at_means))
    nodes.finish_label(logarithms, np.arange(len(means)))
    nodes.finish(nodes("Softmax", logarithms, axis=1), 1)


def _apart(nodes: Nodes, model: NearestCentroid, spread: np.ndarray) -> str:
    """Squared distances [N, k] of rows to the centroids, in parts of the spread of each column."""
    points = np.asarray(model.centroids_, dtype="float64") / spread
    rows = nodes("Div", nodes.doubles(), nodes.constant(spread))
    if model.metric != "manhattan":
        return _squares(nodes, rows, points)
    sizes = [nodes("Abs", nodes("Sub", rows, nodes.constant(one))) for one in points]
    table = nodes("Concat", *(nodes("ReduceSum", one, nodes.constant([1], "int64"), keepdims=1) for one in sizes), axis=1)
    return nodes("Mul", table, table)


def _centroids(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    plain = nodes("Neg", _apart(nodes, model, np.ones(model.n_features_in_)))
    # Before scikit-learn 1.6 there were no probabilities.
    priors = getattr(model, "class_prior_", None)
    if priors is None:
        nodes.finish_label(plain, model.classes_)
        nodes.finish(plain, 1)
        return
    spread = np.where(model.within_class_std_dev_ != 0, model.within_class_std_dev_, 1.0)
    scores = nodes("Sub", nodes.constant(2 * np.log(priors)), _apart(nodes, model, spread))
    # With equal shares the nearest is that in the columns' own scale.
    nodes.finish_label(plain if np.isclose(priors, 1 / len(priors)).all() else scores, model.classes_)
    nodes.finish(nodes("Softmax", scores, axis=1), 1)


def _outside(nodes: Nodes, score: str) -> None:
    """The label of a score [N, 1], and the score."""
    inside = nodes("GreaterOrEqual", score, nodes.constant([0.0]))
    _label(nodes, nodes("Where", inside, nodes.constant([1], "int64"), nodes.constant([-1], "int64")))
    nodes.finish(score, 1)


def _ellipse(nodes: Nodes, model: EllipticEnvelope) -> None:
    rows = nodes("Sub", nodes.doubles(), nodes.constant(model.location_))
    products = nodes("Mul", nodes("MatMul", rows, nodes.constant(model.get_precision())), rows)
    square = nodes("ReduceSum", products, nodes.constant([1], "int64"), keepdims=1)
    _outside(nodes, nodes("Sub", nodes("Neg", square), nodes.constant([float(model.offset_)])))


def _one_class(nodes: Nodes, model: OneClassSVM) -> None:
    rows, points = nodes.doubles(), model.support_vectors_
    points = np.asarray(points.toarray() if hasattr(points, "toarray") else points, dtype="float64")
    if callable(model.kernel) or model.kernel == "precomputed":
        raise ExportError("OneClassSVM has an ONNX form for its own kernels only: use 'rbf', 'linear', 'poly' or 'sigmoid'")
    gamma, offset = nodes.constant([float(model._gamma)]), nodes.constant([float(model.coef0)])
    if model.kernel == "rbf":
        kernel = nodes("Exp", nodes("Neg", nodes("Mul", _squares(nodes, rows, points), gamma)))
    else:
        kernel = nodes("MatMul", rows, nodes.constant(points.T))
        if model.kernel != "linear":
            kernel = nodes("Add", nodes("Mul", kernel, gamma), offset)
            kernel = nodes("Tanh", kernel) if model.kernel == "sigmoid" else nodes("Pow", kernel, nodes.constant([float(model.degree)]))
    sums = nodes("MatMul", kernel, nodes.constant(np.asarray(model.dual_coef_.toarray() if hasattr(model.dual_coef_, "toarray") else model.dual_coef_).T))
    _outside(nodes, nodes("Add", sums, nodes.constant(model.intercept_)))


def _register(kind: type, convert: Callable[[Nodes, Any], None], width: Callable[[Any], int], second: str) -> None:
    alias = f"Servemodel{kind.__name__}"

    def shapes(operator: Any) -> None:
        operator.outputs[0].type = Int64TensorType([None])
        operator.outputs[1].type = of_floats(operator, width(operator.raw_operator))

    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = list(inputs)
        operator.outputs.append(scope.declare_local_variable("label", Int64TensorType([None])))
        operator.outputs.append(scope.declare_local_variable(second, of_floats(operator, width(model))))
        return list(operator.outputs)

    def converted(scope: Any, operator: Any, container: Any) -> None:
        convert(Nodes(scope, operator, container), operator.raw_operator)

    update_registered_converter(kind, alias, shapes, converted, parser=parse, overwrite=True)


def register() -> None:
    for kind, points in NEAREST.items():
        _register(kind, _nearest, lambda model, points=points: len(getattr(model, points)), "distances")
    _register(BisectingKMeans, _bisecting, lambda model: len(model.cluster_centers_), "distances")
    _register(EllipticEnvelope, _ellipse, lambda model: 1, "score")
    _register(OneClassSVM, _one_class, lambda model: 1, "score")
    register_classifier(NearestCentroid, _centroids)
    for kind in (GaussianMixture, BayesianGaussianMixture):
        _register(kind, _mixture, lambda model: len(model.means_), "probabilities")
