"""Models with an estimator for each of several values or labels, side by side or in a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import Int64TensorType, StringTensorType
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain

from servemodel.answers import label_text
from servemodel.converters.meta import OPTIONS, member, parsed
from servemodel.converters.nodes import Nodes, of_floats
from servemodel.errors import ExportError

Members = Callable[[Nodes, Any], Iterator[tuple[Any, list[Any]]]]
"""Each estimator with the variables of its answer, in the order of the answers."""


def _column(nodes: Nodes, name: str) -> str:
    return nodes("Reshape", name, nodes.constant([-1, 1], "int64"))


def _beside(nodes: Nodes, model: Any) -> Iterator[tuple[Any, list[Any]]]:
    for one in model.estimators_:
        yield one, list(member(nodes, one))


def _chained(nodes: Nodes, model: Any) -> Iterator[tuple[Any, list[Any]]]:
    method = getattr(model, "chain_method_", "predict")
    if method not in ("predict", "predict_proba"):
        raise ExportError(f"{type(model).__name__}(chain_method={method!r}) has no ONNX form: use chain_method='predict'")
    rows = nodes.doubles()
    before: list[str] = []
    found: list[tuple[Any, list[Any]]] = []
    for one in model.estimators_:
        typed = of_floats(nodes.operator, int(one.n_features_in_))
        variable = nodes.scope.declare_local_variable("chained", typed)
        table = nodes("Concat", rows, *before, axis=1) if before else rows
        kind = "float64" if "Double" in type(typed).__name__ else "float32"
        nodes.container.add_node(
            "Identity", [nodes.cast(table, kind)], [variable.full_name], name=nodes.scope.get_unique_operator_name("Identity")
        )
        answer = list(parsed(nodes, one, [variable]))
        found.append((one, answer))
        if method == "predict":
            before.append(_column(nodes, nodes.cast(answer[0].full_name, "float64")))
        else:
            before.append(nodes.columns(nodes.cast(answer[1].full_name, "float64"), [1]))
    yield from (found[list(model.order_).index(at)] for at in range(len(found)))


def _classes(model: Any) -> list[np.ndarray]:
    return [np.asarray(one) for one in model.classes_]


def _is_text(model: Any) -> bool:
    return any(isinstance(one, str) for each in _classes(model) for one in each)


def _has_table(model: Any) -> bool:
    return hasattr(model, "predict_proba") and all(len(one) == 2 for one in _classes(model))


def _register_labels(kind: Any, members: Members) -> None:
    alias = f"Servemodel{kind.__name__}"

    def types(operator: Any) -> list[Any]:
        model = operator.raw_operator
        width = len(_classes(model))
        label = (StringTensorType if _is_text(model) else Int64TensorType)([None, width])
        return [label, of_floats(operator, width)] if _has_table(model) else [label]

    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = list(inputs)
        for name, typed in zip(("label", "probabilities"), types(operator), strict=False):
            operator.outputs.append(scope.declare_local_variable(name, typed))
        return list(operator.outputs)

    def shapes(operator: Any) -> None:
        for output, typed in zip(operator.outputs, types(operator), strict=True):
            output.type = typed

    def convert(scope: Any, operator: Any, container: Any) -> None:
        nodes, model = Nodes(scope, operator, container), operator.raw_operator
        labels, tables = [], []
        for one, answer in members(nodes, model):
            label = answer[0].full_name
            classes = list(one.classes_)
            if _is_text(model) and not isinstance(classes[0], str):
                label = nodes(
                    "LabelEncoder", label, domain="ai.onnx.ml", keys_int64s=[int(each) for each in classes],
                    values_strings=[label_text(each) for each in classes],
                )  # fmt: skip
            labels.append(_column(nodes, label))
            if _has_table(model):
                tables.append(nodes.columns(nodes.cast(answer[1].full_name, "float64"), [1]))
        container.add_node(
            "Concat", labels, [operator.outputs[0].full_name], name=scope.get_unique_operator_name("Concat"), axis=1
        )
        if tables:
            nodes.finish(nodes("Concat", *tables, axis=1), 1)

    update_registered_converter(kind, alias, shapes, convert, parser=parse, options=OPTIONS, overwrite=True)


def _register_values(kind: Any, members: Members) -> None:
    alias = f"Servemodel{kind.__name__}"

    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = list(inputs)
        operator.outputs.append(scope.declare_local_variable("variable", of_floats(operator, len(model.estimators_))))
        return list(operator.outputs)

    def shapes(operator: Any) -> None:
        operator.outputs[0].type = of_floats(operator, len(operator.raw_operator.estimators_))

    def convert(scope: Any, operator: Any, container: Any) -> None:
        nodes = Nodes(scope, operator, container)
        answers = members(nodes, operator.raw_operator)
        columns = [_column(nodes, nodes.cast(answer[0].full_name, "float64")) for _, answer in answers]
        nodes.finish(nodes("Concat", *columns, axis=1))

    update_registered_converter(kind, alias, shapes, convert, parser=parse, overwrite=True)


def register() -> None:
    _register_labels(MultiOutputClassifier, _beside)
    _register_labels(ClassifierChain, _chained)
    _register_values(MultiOutputRegressor, _beside)
    _register_values(RegressorChain, _chained)
