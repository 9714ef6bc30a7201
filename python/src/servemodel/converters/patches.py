"""Steps of scikit-learn that skl2onnx converts in part: imputers with indicators, bins as columns, losses with a link."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx._supported_operators import sklearn_operator_name_map
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from servemodel.converters.meta import OPTIONS, classifier_shapes, value_shapes
from servemodel.converters.nodes import Nodes, of_floats
from servemodel.errors import ExportError

_ORIGINAL: dict[str, tuple[Any, Any]] = {}
"""Converters and shapes of skl2onnx, which are called for what they do right."""


def _original(kind: type) -> tuple[Any, Any]:
    name = kind.__name__
    if name not in _ORIGINAL:
        alias = sklearn_operator_name_map[kind]
        _ORIGINAL[name] = (get_converter(alias), get_shape_calculator(alias))
    return _ORIGINAL[name]


def _bins_shapes(operator: Any) -> None:
    model = operator.raw_operator
    width = len(model.n_bins_) if model.encode == "ordinal" else int(np.sum(model.n_bins_))
    operator.outputs[0].type = of_floats(operator, width)


def _bins(scope: Any, operator: Any, container: Any) -> None:
    """A value's bin is the number of inner edges that it has reached."""
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    matrix = nodes.doubles()
    parts = []
    for at, edges in enumerate(model.bin_edges_):
        column = nodes.columns(matrix, [at])
        inner = np.asarray(edges[1:-1], dtype="float64")
        if len(inner) == 0:
            number = nodes("Mul", nodes.cast(nodes("IsNaN", column), "float64"), nodes.constant([0.0]))
        else:
            # An edge and the value that it is rounded to fall together in float32, in which the value arrives.
            inner = inner if "Double" in type(operator.inputs[0].type).__name__ else inner.astype("float32").astype("float64")
            reached = nodes.cast(nodes("GreaterOrEqual", column, nodes.constant(inner[None])), "float64")
            number = nodes("ReduceSum", reached, nodes.constant([1], "int64"), keepdims=1)
        if model.encode != "ordinal":
            numbers = nodes.constant(np.arange(int(model.n_bins_[at]), dtype="float64")[None])
            number = nodes.cast(nodes("Equal", number, numbers), "float64")
        parts.append(number)
    nodes.finish(nodes.beside(parts))


def _groups_rare(model: OneHotEncoder) -> bool:
    return any(indices is not None for indices in getattr(model, "infrequent_categories_", None) or [])


def _one_hot_shapes(operator: Any) -> None:
    if _groups_rare(operator.raw_operator):
        operator.outputs[0].type = of_floats(operator, len(operator.raw_operator.get_feature_names_out()))
    else:
        _original(OneHotEncoder)[1](operator)


def _one_hot(scope: Any, operator: Any, container: Any) -> None:
    """With min_frequency or max_categories, rare categories share a column."""
    model = operator.raw_operator
    if not _groups_rare(model):
        _original(OneHotEncoder)[0](scope, operator, container)
        return
    nodes = Nodes(scope, operator, container)
    inputs = [(each.full_name, at) for each in operator.inputs for at in range(each.type.shape[1] or 1)]
    parts = []
    for number, ((name, at), known) in enumerate(zip(inputs, model.categories_, strict=True)):
        if not all(isinstance(one, str) for one in known):
            raise ExportError("OneHotEncoder groups rare categories of texts only: give it texts, or leave min_frequency and max_categories out")
        groups = model._default_to_infrequent_mappings[number]
        groups = np.arange(len(known)) if groups is None else np.asarray(groups)
        rare = int(groups.max()) if model.infrequent_categories_[number] is not None else -1
        other = rare if model.handle_unknown == "infrequent_if_exist" else -1
        dropped = None if model.drop_idx_ is None else model._drop_idx_after_grouping[number]
        shown = [group for group in range(int(groups.max()) + 1) if group != dropped]
        column = nodes("Gather", name, nodes.constant([at], "int64"), axis=1)
        code = nodes(
            "LabelEncoder", column, domain="ai.onnx.ml", keys_strings=[str(one) for one in known],
            values_int64s=[int(group) for group in groups], default_int64=other,
        )  # fmt: skip
        parts.append(nodes.cast(nodes("Equal", code, nodes.constant([shown], "int64")), "float64"))
    nodes.finish(nodes.beside(parts))


def _imputer_shapes(operator: Any) -> None:
    model = operator.raw_operator
    _original(SimpleImputer)[1](operator)
    if model.add_indicator:
        kept = int(np.sum(_filled(model)))
        operator.outputs[0].type.shape = [operator.outputs[0].type.shape[0], kept + len(model.indicator_.features_)]


def _filled(model: Any) -> np.ndarray:
    """Columns with any value at all, which an imputer keeps."""
    statistics = np.asarray(model.statistics_)
    known = np.array([not (isinstance(one, float) and np.isnan(one)) for one in statistics])
    return known if not model.keep_empty_features and model.strategy != "constant" else np.ones(len(statistics), dtype=bool)


def _imputer(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    if not model.add_indicator:
        _original(SimpleImputer)[0](scope, operator, container)
        return
    if not (isinstance(model.missing_values, float) and np.isnan(model.missing_values)) or model.statistics_.dtype.kind not in "fiu":
        raise ExportError("SimpleImputer(add_indicator=True) has an ONNX form for missing numbers only: fill texts without indicators")
    nodes = Nodes(scope, operator, container)
    matrix = nodes.doubles()
    kept = [int(at) for at in np.flatnonzero(_filled(model))]
    columns = nodes.columns(matrix, kept)
    filled = nodes("Where", nodes("IsNaN", columns), nodes.constant(np.asarray(model.statistics_, dtype="float64")[None, kept]), columns)
    features = [int(at) for at in model.indicator_.features_]
    if features:
        missing = nodes.cast(nodes("IsNaN", nodes.columns(matrix, features)), "float64")
        filled = nodes("Concat", filled, missing, axis=1)
    nodes.finish(filled)


def _decimal(threshold: float) -> float:
    """The decimal that a threshold misses by the rounding of float64 alone, as the middle of two decimals does; else itself."""
    for digits in range(1, 14):
        short = float(f"{threshold:.{digits}g}")
        if abs(short - threshold) <= 4 * np.spacing(abs(threshold)):
            return short
    return threshold


def _exact_thresholds(model: Any, container: Any) -> None:
    """Lowers thresholds in float32 that lie below a decimal: the library compares in float64, and sends it to the right."""
    lowered = set()
    for trees in model._predictors:
        for tree in trees:
            inner = tree.nodes[(tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] == 0)]
            for column, threshold in zip(inner["feature_idx"].tolist(), inner["num_threshold"].tolist(), strict=True):
                if np.isfinite(threshold) and _decimal(threshold) > threshold:
                    lowered.add((column, float(np.float32(threshold))))
    node = next(node for node in reversed(container.nodes) if node.op_type.startswith("TreeEnsemble"))
    lists = {attribute.name: attribute for attribute in node.attribute}
    if "nodes_values" not in lists:
        return
    values = lists["nodes_values"].floats
    for at, (column, mode) in enumerate(zip(lists["nodes_featureids"].ints, lists["nodes_modes"].strings, strict=True)):
        if mode == b"BRANCH_LEQ" and (column, values[at]) in lowered:
            values[at] = float(np.nextafter(np.float32(values[at]), np.float32(-np.inf)))


def _hist_classifier(scope: Any, operator: Any, container: Any) -> None:
    _original(HistGradientBoostingClassifier)[0](scope, operator, container)
    _exact_thresholds(operator.raw_operator, container)


def _hist(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    if model.loss not in ("poisson", "gamma"):
        _original(HistGradientBoostingRegressor)[0](scope, operator, container)
        _exact_thresholds(model, container)
        return
    # The sum of the trees is a logarithm.
    raw = scope.declare_local_variable("logarithm", of_floats(operator, 1))
    inner = SimpleNamespace(raw_operator=model, inputs=operator.inputs, outputs=[raw], full_name=operator.full_name,
                            input_full_names=operator.input_full_names, output_full_names=[raw.full_name],
                            target_opset=operator.target_opset)  # fmt: skip
    _original(HistGradientBoostingRegressor)[0](scope, inner, container)
    _exact_thresholds(model, container)
    nodes = Nodes(scope, operator, container)
    nodes.finish(nodes("Exp", raw.full_name))


def _logistic(scope: Any, operator: Any, container: Any) -> None:
    """SGDClassifier: far from the border all probabilities are 0 or 1, so the label is that of the highest score."""
    model = operator.raw_operator
    raw = container.get_options(model, {"raw_scores": False}, fail=False)["raw_scores"]
    if model.loss != "log_loss" or raw:
        _original(SGDClassifier)[0](scope, operator, container)
        return
    nodes = Nodes(scope, operator, container)
    scores = nodes("Add", nodes("MatMul", nodes.doubles(), nodes.constant(model.coef_.T)), nodes.constant(model.intercept_))
    shares = nodes("Sigmoid", scores)
    if len(model.classes_) == 2:
        shares = nodes("Concat", nodes("Sub", nodes.constant([1.0]), shares), shares, axis=1)
        scores = nodes("Concat", nodes("Neg", scores), scores, axis=1)
    else:
        total = nodes("ReduceSum", shares, nodes.constant([1], "int64"), keepdims=1)
        none = nodes("Equal", total, nodes.constant([0.0]))
        shares = nodes("Where", none, nodes.constant([1 / len(model.classes_)]), nodes("Div", shares, nodes("Where", none, nodes.constant([1.0]), total)))
    nodes.finish_label(scores, model.classes_)
    nodes.finish(shares, 1)


def register() -> None:
    for kind in (SimpleImputer, OneHotEncoder, HistGradientBoostingClassifier, HistGradientBoostingRegressor, SGDClassifier):
        _original(kind)
    update_registered_converter(KBinsDiscretizer, "ServemodelBins", _bins_shapes, _bins, overwrite=True)
    update_registered_converter(SimpleImputer, "ServemodelImputer", _imputer_shapes, _imputer, overwrite=True)
    update_registered_converter(
        OneHotEncoder, "ServemodelOneHot", _one_hot_shapes, _one_hot, options={"categories_as_strings": [True, False]}, overwrite=True
    )
    update_registered_converter(HistGradientBoostingRegressor, "ServemodelHist", value_shapes, _hist, overwrite=True)
    for kind, convert in ((HistGradientBoostingClassifier, _hist_classifier), (SGDClassifier, _logistic)):
        update_registered_converter(
            kind, f"Servemodel{kind.__name__}", classifier_shapes, convert, options=OPTIONS, overwrite=True
        )
