"""The outputs of a graph in the form that the server reads: labels [N, L], then numbers [N, k]."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from servemodel.answers import Form, label_text
from servemodel.walk import final_step

NUMBERS = (TensorProto.FLOAT, TensorProto.DOUBLE)
OF_CODES = ("sklearn.ensemble", "sklearn.tree", "sklearn.neighbors")
"""Modules whose classifiers of several labels have converters that know numbered classes only."""


def _gives_codes(model: Any) -> bool:
    last = final_step(model)
    return isinstance(getattr(last, "classes_", None), list) and type(last).__module__.startswith(OF_CODES)


def numbered(model: Any) -> Any:
    """The model; a copy that numbers its classes, where converters know no others."""
    if not _gives_codes(model):
        return model
    changed = copy.copy(model)
    if isinstance(model, Pipeline):
        changed.steps = [*model.steps[:-1], (model.steps[-1][0], numbered(model.steps[-1][1]))]
        return changed
    if isinstance(model, DecisionTreeClassifier):
        # The converter of a tree confuses the probabilities of its labels; that of a forest doesn't.
        changed = RandomForestClassifier(1)
        for name in ("n_outputs_", "n_classes_", "n_features_in_"):
            setattr(changed, name, getattr(model, name))
        changed.estimators_ = [model]
    if isinstance(changed, (RandomForestClassifier, ExtraTreesClassifier)):
        changed.estimators_ = [_in_float32(tree) for tree in changed.estimators_]
    changed.classes_ = [np.arange(len(one)) for one in model.classes_]
    return changed


def _in_float32(tree: Any) -> Any:
    """A copy of a tree whose thresholds float32 holds, with the same answers: that form of a forest rounds them up, too."""
    changed = copy.deepcopy(tree)
    exact = changed.tree_.threshold
    near = exact.astype("float32")
    exact[:] = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
    return changed


class _Tail:
    """Nodes behind a graph's outputs."""

    def __init__(self, graph: onnx.ModelProto) -> None:
        self.graph = graph.graph
        self.names = [output.name for output in self.graph.output]
        self.types = [output.type.tensor_type.elem_type for output in self.graph.output]
        self.count = 0

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        self.count += 1
        name = f"answer_{kind.lower()}_{self.count}"
        self.graph.node.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, values: Any) -> str:
        self.count += 1
        name = f"answer_constant_{self.count}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def reshaped(self, name: str, width: int) -> str:
        return self("Reshape", name, self.constant(np.array([-1, width], dtype="int64")))

    def finish(self, *outputs: tuple[str, str, int, int]) -> None:
        """Outputs: the tensor, its name as an output, its element type and its columns."""
        del self.graph.output[:]
        for tensor, name, element, width in outputs:
            self.graph.node.append(helper.make_node("Identity", [tensor], [name], name=f"answer_{name}"))
            self.graph.output.append(helper.make_tensor_value_info(name, element, [None, width]))


def _named(tail: _Tail, codes: str, form: Form) -> tuple[str, int]:
    """Labels [N, L] of codes [N, L], and their element type."""
    if all(tuple(map(label_text, one)) == tuple(map(str, range(len(one)))) for one in form.classes):
        return codes, TensorProto.INT64
    texts = any(isinstance(one, str) for each in form.classes for one in each)
    columns = []
    for at, classes in enumerate(form.classes):
        column = tail("Gather", codes, tail.constant(np.array([at], dtype="int64")), axis=1)
        names = np.array(list(map(label_text, classes)), dtype=object) if texts else np.array(list(map(int, classes)), dtype="int64")
        columns.append(tail("Gather", tail.constant(names), column, axis=0))
    return tail("Concat", *columns, axis=1), TensorProto.STRING if texts else TensorProto.INT64


def _several_labels(tail: _Tail, model: Any, form: Form) -> None:
    width = len(form.classes)
    label, element = tail.reshaped(tail.names[0], width), tail.types[0]
    coded = _gives_codes(model)
    if coded:
        label, element = _named(tail, label, form)
    outputs = [(label, "labels", element, width)]
    if form.numbers is not None:
        table = tail.names[1]
        if coded:
            # [L, N, 2]
            second = tail("Gather", table, tail.constant(np.array(1, dtype="int64")), axis=2)
            table = tail("Transpose", second, perm=[1, 0])
        if isinstance(final_step(model), MLPClassifier) and width == 2:
            # Its converter takes two labels for two classes, and puts 1 - p of both in front.
            table = tail("Gather", table, tail.constant(np.array([2, 3], dtype="int64")), axis=1)
        outputs.append((tail.reshaped(table, width), "probability_of_each", tail.types[1], width))
    tail.finish(*outputs)


def finish_outputs(graph: onnx.ModelProto, model: Any, form: Form) -> None:
    """Give the graph the outputs of the form; those that have it stay as they are."""
    tail = _Tail(graph)
    if form.task == "multilabel-classification":
        _several_labels(tail, model, form)
    elif form.names:
        # Some converters give a matrix as one column, some several.
        element = TensorProto.DOUBLE if TensorProto.DOUBLE in tail.types else TensorProto.FLOAT
        parts = [name if own == element else tail("Cast", name, to=element) for name, own in zip(tail.names, tail.types, strict=True)]
        whole = parts[0] if len(parts) == 1 else tail("Concat", *parts, axis=1)
        tail.finish((tail.reshaped(whole, len(form.names)), "values", element, len(form.names)))
    elif form.of_labels and form.numbers is None:
        del graph.graph.output[1:]
