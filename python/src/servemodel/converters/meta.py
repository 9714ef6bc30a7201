"""Models around models: voting, stacking, a threshold, a transformed target.

skl2onnx's own forms take members that it knows by their class only, and one matrix; these take any member, and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import _converter_pool
from skl2onnx.common.data_types import Int64TensorType, StringTensorType
from sklearn.base import is_classifier
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor

from servemodel.converters.nodes import Nodes, of_floats
from servemodel.errors import ExportError
from servemodel.walk import final_step

OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [True, False],
           "raw_scores": [True, False]}  # fmt: skip


def member(nodes: Nodes, model: Any) -> Any:
    """The variables of a member's answers to the operator's inputs: label and probabilities, or a value."""
    return parsed(nodes, model, list(nodes.operator.inputs))


def allowed_options(kind: type) -> Any:
    """The options of a class's converter; None without one."""
    alias = sklearn_operator_name_map.get(kind)
    return None if alias is None else _converter_pool[alias].get_allowed_options()


def parsed(nodes: Nodes, model: Any, inputs: list[Any]) -> Any:
    """The variables of a model's answers to these variables."""
    last = final_step(model)
    if is_classifier(last) and "zipmap" in (allowed_options(type(last)) or ()):
        # A ZipMap isn't a tensor.
        for place in (nodes.scope, nodes.container):
            place.add_options(id(last), {"zipmap": False})
    return _parse_sklearn(nodes.scope, model, inputs)


def scores(nodes: Nodes, model: Any) -> str:
    """Probabilities or raw scores [N, k] of a classifier, as its options say, or values [N, 1], in float64."""
    return nodes.cast(member(nodes, model)[-1].full_name, "float64")


def as_classifier(alias: str) -> Any:
    """A parser that leaves the operator all of its inputs, which may be columns of several types."""

    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = list(inputs)
        label = StringTensorType([None]) if isinstance(model.classes_[0], str) else Int64TensorType([None])
        operator.outputs.append(scope.declare_local_variable("label", label))
        operator.outputs.append(scope.declare_local_variable("probabilities", of_floats(operator, len(model.classes_))))
        return list(operator.outputs)

    return parse


def as_regressor(alias: str) -> Any:
    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = list(inputs)
        operator.outputs.append(scope.declare_local_variable("variable", of_floats(operator, 1)))
        return list(operator.outputs)

    return parse


def classifier_shapes(operator: Any) -> None:
    classes = operator.raw_operator.classes_
    operator.outputs[0].type = StringTensorType([None]) if isinstance(classes[0], str) else Int64TensorType([None])
    operator.outputs[1].type = of_floats(operator, len(classes))


def value_shapes(operator: Any) -> None:
    operator.outputs[0].type = of_floats(operator, 1)


def register_classifier(kind: Any, convert: Any) -> None:
    alias = f"Servemodel{kind.__name__}"
    update_registered_converter(
        kind, alias, classifier_shapes, convert, parser=as_classifier(alias), options=OPTIONS, overwrite=True
    )


def register_regressor(kind: Any, convert: Any) -> None:
    alias = f"Servemodel{kind.__name__}"
    update_registered_converter(kind, alias, value_shapes, convert, parser=as_regressor(alias), overwrite=True)


def mean(nodes: Nodes, tables: Sequence[str], weights: Sequence[float] | None = None) -> str:
    """The weighted mean of tables; ONNX Runtime's Mean takes float32 only."""
    shares = np.full(len(tables), 1 / len(tables)) if weights is None else np.asarray(weights, dtype="float64") / np.sum(weights)
    total = ""
    for table, share in zip(tables, shares, strict=True):
        part = nodes("Mul", table, nodes.constant([float(share)]))
        total = nodes("Add", total, part) if total else part
    return total


def _weights(model: Any) -> Any:
    # Members that were dropped have a weight in the argument.
    return getattr(model, "_weights_not_none", None)


def _vote(nodes: Nodes, one: Any, classes: int) -> str:
    """1 [N, k] in the column of a member's label, which is the number of a class."""
    label = nodes("Reshape", member(nodes, one)[0].full_name, nodes.constant([-1, 1], "int64"))
    return nodes.cast(nodes("Equal", label, nodes.constant([list(range(classes))], "int64")), "float64")


def _voting_classifier(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    tables = [scores(nodes, one) if model.voting == "soft" else _vote(nodes, one, len(model.classes_)) for one in model.estimators_]
    table = mean(nodes, tables, _weights(model))
    nodes.finish_label(table, model.classes_)
    nodes.finish(table, 1)


def _voting_regressor(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    nodes.finish(mean(nodes, [scores(nodes, one) for one in model.estimators_], _weights(model)))


def _stacked(nodes: Nodes, model: Any) -> Any:
    """The variable that holds the members' answers side by side, as the final estimator takes them."""
    parts = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        found = scores(nodes, one)
        if method == "predict_proba" and len(model.classes_) == 2:
            found = nodes.columns(found, [1])
        elif method == "decision_function" and len(model.classes_) == 2:
            found = nodes.columns(found, [-1])
        elif method == "predict" and is_classifier(one):
            raise ExportError(f"{type(model).__name__}(stack_method='predict') has no ONNX form: use stack_method='auto'")
        parts.append(found)
    if model.passthrough:
        parts.append(nodes.doubles())
    table = nodes("Concat", *parts, axis=1)
    width = int(model.final_estimator_.n_features_in_)
    typed = of_floats(nodes.operator, width)
    variable = nodes.scope.declare_local_variable("stacked", typed)
    kind = "float64" if "Double" in type(typed).__name__ else "float32"
    nodes.container.add_node(
        "Identity", [nodes.cast(table, kind)], [variable.full_name], name=nodes.scope.get_unique_operator_name("Identity")
    )
    return variable


def _finally(nodes: Nodes, model: Any) -> list[Any]:
    return list(parsed(nodes, model.final_estimator_, [_stacked(nodes, model)]))


def _stacking_classifier(scope: Any, operator: Any, container: Any) -> None:
    nodes, model = Nodes(scope, operator, container), operator.raw_operator
    table = nodes.cast(_finally(nodes, model)[1].full_name, "float64")
    nodes.finish_label(table, model.classes_)
    nodes.finish(table, 1)


def _stacking_regressor(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, operator, container)
    nodes.finish(nodes.cast(_finally(nodes, operator.raw_operator)[0].full_name, "float64"))


def register() -> None:
    register_classifier(VotingClassifier, _voting_classifier)
    register_regressor(VotingRegressor, _voting_regressor)
    register_classifier(StackingClassifier, _stacking_classifier)
    register_regressor(StackingRegressor, _stacking_regressor)
