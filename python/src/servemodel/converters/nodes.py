"""ONNX nodes as calls: each returns the name of its output.

Shapes: N rows, F columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

ELEMENTS = {"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}


class Nodes:
    """The nodes of one operator of skl2onnx."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self.scope, self.operator, self.container = scope, operator, container

    def __call__(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        output = self.scope.get_unique_variable_name(kind.lower())
        name = self.scope.get_unique_operator_name(kind)
        self.container.add_node(kind, list(inputs), [output], op_domain=domain, name=name, **attributes)
        return str(output)

    def constant(self, values: Any, kind: str = "float64") -> str:
        name = self.scope.get_unique_variable_name("constant")
        array = np.asarray(values, dtype=object if kind == "string" else kind)
        element = TensorProto.STRING if kind == "string" else ELEMENTS[kind]
        self.container.add_initializer(name, element, list(array.shape), array.ravel().tolist())
        return str(name)

    def cast(self, name: str, kind: str) -> str:
        return self("Cast", name, to=ELEMENTS[kind])

    def doubles(self) -> str:
        """The operator's inputs as one matrix [N, F] of float64."""
        names = [self.cast(each.full_name, "float64") for each in self.operator.inputs]
        return self.beside(names)

    def beside(self, matrices: list[str]) -> str:
        """Matrices [N, F] side by side."""
        return matrices[0] if len(matrices) == 1 else self("Concat", *matrices, axis=1)

    def columns(self, matrix: str, indexes: list[int]) -> str:
        return self("Gather", matrix, self.constant(indexes, "int64"), axis=1)

    def interpolated(self, values: str, knots: np.ndarray, heights: np.ndarray) -> str:
        """Heights at values [N, 1], linear between the knots, and constant beyond them; knots ascend."""
        widths = np.diff(knots)
        slopes = np.divide(np.diff(heights), widths, out=np.zeros(len(widths)), where=widths > 0)
        if len(widths) == 0:
            return self("Add", self("Mul", values, self.constant([0.0])), self.constant([float(heights[0])]))
        # The part of each interval that lies below the value.
        parts = self("Sub", values, self.constant(knots[None, :-1]))
        parts = self("Min", self("Max", parts, self.constant([0.0])), self.constant(widths[None]))
        return self("Add", self("MatMul", parts, self.constant(slopes[:, None])), self.constant([float(heights[0])]))

    def only_between(self, values: str, low: float, high: float, answers: str) -> str:
        """The answers [N, F] where the values [N, 1] lie in the range, else NaN."""
        inside = self("And", self("GreaterOrEqual", values, self.constant([low])), self("LessOrEqual", values, self.constant([high])))
        return self("Where", inside, answers, self.constant([np.nan]))

    def finish(self, name: str, at: int = 0) -> None:
        """The named matrix as the operator's output, in the type that was declared for it."""
        output = self.operator.outputs[at]
        element = TensorProto.DOUBLE if isinstance(output.type, DoubleTensorType) else TensorProto.FLOAT
        self.container.add_node(
            "Cast", [name], [output.full_name], name=self.scope.get_unique_operator_name("Cast"), to=element
        )

    def finish_label(self, probabilities: str, classes: np.ndarray) -> None:
        """The class of the highest probability [N, k] as the operator's first output."""
        self.finish_choice(self("ArgMax", probabilities, axis=1, keepdims=0), classes)

    def finish_choice(self, indexes: str, classes: np.ndarray) -> None:
        """The classes at indexes [N] as the operator's first output."""
        kind = "string" if isinstance(classes[0], str) else "int64"
        names = [str(one) for one in classes] if kind == "string" else [int(one) for one in classes]
        label = self.operator.outputs[0].full_name
        self.container.add_node(
            "Gather", [self.constant(names, kind), indexes], [label], name=self.scope.get_unique_operator_name("Gather"), axis=0
        )


def of_floats(operator: Any, width: int | None) -> Any:
    """The type of a matrix [N, width] that a step makes of an operator's inputs."""
    double = any(isinstance(each.type, DoubleTensorType) for each in operator.inputs)
    rows = operator.inputs[0].type.shape[0] if operator.inputs[0].type.shape else None
    return (DoubleTensorType if double else FloatTensorType)([rows, width])


def width_of(operator: Any) -> int:
    """Columns of all inputs of an operator."""
    return int(sum(each.type.shape[1] or 1 for each in operator.inputs))
