"""A converted graph, and ONNX Runtime on it: on the whole, or on the trees of a large forest part by part.

Shapes: N rows, F features, k weights of a leaf.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from servemodel import wire
from servemodel.converters.forests import Forest, Part

WHOLE_NODES = 1_000_000
"""A graph with more nodes of forests is run in parts: ONNX Runtime takes 500 bytes for each."""
CELLS = 4_000_000
"""Of an answer of all trees of a part, at one time."""


@dataclass(frozen=True)
class Graph:
    """A graph. The trees of large forests stand beside it."""

    proto: onnx.ModelProto
    forests: Mapping[str, Forest] = field(default_factory=dict)  # by the name of the node, which has one leaf in their place

    @property
    def parts(self) -> int:
        """Parts of trees that ONNX Runtime runs one after another; 0: it runs the whole."""
        return sum(len(forest.parts) for forest in self.forests.values())

    def content(self) -> list[bytes]:
        """The file, in pieces."""
        content = self.proto.SerializeToString()
        return wire.with_lists(content, {name: forest.lists() for name, forest in self.forests.items()}) if self.forests else [content]

    def thresholds(self) -> list[np.ndarray]:
        """Of the graph's trees."""
        return [
            *(
                np.asarray(attribute.floats, dtype="float64")
                for node in self.proto.graph.node
                for attribute in node.attribute
                if attribute.name == "nodes_values" and node.name not in self.forests
            ),
            *(values.astype("float64") for forest in self.forests.values() for values in forest.thresholds()),
        ]


def joined(proto: onnx.ModelProto, forests: Mapping[str, Forest]) -> Graph:
    """The graph of a proto whose forests have one leaf; they are put into it unless they are large."""
    graph = Graph(proto, forests)
    if not forests or sum(forest.nodes for forest in forests.values()) > WHOLE_NODES:
        return graph
    return Graph(onnx.ModelProto.FromString(b"".join(graph.content())))


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One thread adds up the trees in one order, as the server's threads do.
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class Runner:
    """A graph in ONNX Runtime."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._whole = None if graph.forests else _session(graph.content()[0])

    def run(self, names: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The named tensors."""
        if self._whole is not None:
            return list(self._whole.run(list(names), dict(feeds)))
        known = dict(feeds)
        for node in self._graph.proto.graph.node:
            if node.name in self._graph.forests:
                rows = self._around(list(node.input), known)[0]
                known |= zip(node.output, _answers(node, self._graph.forests[node.name], rows), strict=True)
        return self._around(names, known)

    def _around(self, names: Sequence[str], known: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The named tensors, computed from known ones by the nodes between them, which are no large forests."""
        asked = [name for name in dict.fromkeys(names) if name not in known]
        found = dict(known)
        if asked:
            feeds, content = _between(self._graph.proto, asked, known)
            found |= zip(asked, _session(content).run(asked, feeds), strict=True)
        return [found[name] for name in names]


def _between(proto: onnx.ModelProto, asked: list[str], known: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], bytes]:
    """The part of a graph that computes tensors from known ones: those that it takes, and its file."""
    needed, nodes = set(asked), []
    for node in reversed(proto.graph.node):
        if any(name in needed and name not in known for name in node.output):
            nodes.append(node)
            needed.update(node.input)
    feeds = {name: known[name] for name in known if name in needed}
    inputs = [
        helper.make_tensor_value_info(
            name, TensorProto.STRING if value.dtype.kind in "OU" else helper.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim
        )
        for name, value in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in asked]
    constants = [constant for constant in proto.graph.initializer if constant.name in needed]
    part = helper.make_model(
        helper.make_graph(nodes[::-1], "part", inputs, outputs, constants),
        opset_imports=list(proto.opset_import),
        ir_version=proto.ir_version,
    )
    return feeds, part.SerializeToString()


def _part_content(forest: Forest, part: Part) -> bytes:
    """A graph that answers rows [N, F] with the weights [N, trees · k] of the leaf of each tree: the nodes of the part, as they are."""
    lists = {name.replace("class_", "target_"): elements for name, elements in part.lists.items()}
    marks = {name: ["LEAF"] if name == "nodes_modes" else [0.0] if name.endswith(("values", "rates", "weights")) else [0] for name in lists}
    # Where skl2onnx has a leaf's class, the number of the tree's class.
    tree_ids = np.repeat(np.arange(part.trees), part.leaves_of_trees) * forest.weights
    numbers = (tree_ids[:, None] + np.arange(forest.weights)).ravel()
    lists["target_ids"] = wire.ints(numbers)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["rows"], ["weights"], name="part", domain="ai.onnx.ml",
        n_targets=part.trees * forest.weights, post_transform="NONE", **marks,
    )  # fmt: skip
    graph = helper.make_graph(
        [node], "part",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, None])],
        [helper.make_tensor_value_info("weights", TensorProto.FLOAT, [None, None])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 1)], ir_version=8)
    return b"".join(wire.with_lists(model.SerializeToString(), {"part": {name: [elements] for name, elements in lists.items()}}))


def _sums(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """The sums [N, k] of the trees' weights: one after another in float32, as ONNX Runtime adds them up."""
    rows = np.ascontiguousarray(rows, dtype="float32")
    sums = np.zeros((len(rows), forest.weights), dtype="float32")
    for part in forest.parts:
        session = _session(_part_content(forest, part))
        step = max(1, CELLS // (part.trees * forest.weights))
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            (weights,) = session.run(None, {"rows": rows[some]})
            for tree in weights.reshape(-1, part.trees, forest.weights).transpose(1, 0, 2):
                sums[some] += tree
    return sums


def _answers(node: onnx.NodeProto, forest: Forest, rows: np.ndarray) -> list[np.ndarray]:
    """What the node of a forest answers to rows [N, F]: labels [N] and probabilities [N, classes], or values [N, 1]."""
    sums = _sums(forest, rows)
    if node.op_type == "TreeEnsembleRegressor":
        return [sums]
    (labels,) = (
        np.array([one.decode() for one in attribute.strings], dtype=object)
        if attribute.name == "classlabels_strings"
        else np.array(attribute.ints, dtype="int64")
        for attribute in node.attribute
        if attribute.name.startswith("classlabels_")
    )
    if len(labels) == 2:
        sums = np.concatenate([np.float32(1) - sums, sums], axis=1)
        return [labels[(sums[:, 1] > 0.5).astype("int64")], sums]
    return [labels[sums.argmax(axis=1)], sums]
