"""Trees and forests of scikit-learn: the lists that skl2onnx writes, made of the trees' arrays.

skl2onnx appends a dozen Python objects for each node: gigabytes for some million nodes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import _converter_pool, get_converter, register_converter
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.base import is_classifier
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from servemodel import wire

FORESTS = (RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor)
TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)
PART_SIZE = 400_000
PART_TREES = 250
"""Trees are kept in parts of at most this many nodes and weights of leaves, or of one tree, and of at most this many trees."""

_ORIGINAL: dict[str, Any] = {}


@dataclass(frozen=True)
class Part:
    """Trees that follow one another."""

    trees: int
    leaves_of_trees: np.ndarray  # [trees]
    lists: dict[str, bytes]  # elements by the attribute's name


@dataclass(frozen=True)
class Forest:
    """The lists of the node of a tree ensemble."""

    nodes: int
    weights: int  # of a leaf
    parts: list[Part]

    def lists(self) -> wire.Lists:
        return {name: [part.lists[name] for part in self.parts] for name in self.parts[0].lists}

    def thresholds(self) -> list[np.ndarray]:
        return [wire.read_floats(part.lists["nodes_values"]) for part in self.parts]


class _Conversion(NamedTuple):
    found: dict[str, Forest]
    missing: bool


_CURRENT: ContextVar[_Conversion | None] = ContextVar("forests", default=None)


@contextmanager
def kept_aside(missing: bool) -> Iterator[dict[str, Forest]]:
    """Forests that are converted within, by the names of their nodes; a node itself gets a single leaf.

    missing: numbers may be missing, so each node needs the child to which it sends them; skl2onnx leaves it out.
    """
    found: dict[str, Forest] = {}
    token = _CURRENT.set(_Conversion(found, missing))
    try:
        yield found
    finally:
        _CURRENT.reset(token)


def _thresholds(values: np.ndarray) -> np.ndarray:
    """The largest numbers of float32 that aren't above these of float64: the library compares with those."""
    rounded = values.astype("float32")
    return np.where(rounded <= values, rounded, np.nextafter(rounded, np.float32(-np.inf)))


def _leaf_weights(values: np.ndarray, share: float, counts: bool) -> np.ndarray:
    """Weights [leaves, weights a leaf] of the trees' values [leaves, classes], rounded as skl2onnx does it."""
    factors = np.full(len(values), share)
    if counts:
        # One after another: np.sum adds in another order.
        total = values[:, 0].copy()
        for column in range(1, values.shape[1]):
            total += values[:, column]
        factors = share / np.where(total != 0, total, 1.0)
    weights = (values * factors[:, None]).astype("float32")
    return weights[:, 1:] if counts and values.shape[1] == 2 else weights


def _part(trees: list[Any], first: int, share: float, counts: bool, missing: bool) -> Part:
    """The lists of trees, of which the first has this number."""
    sizes = [tree.node_count for tree in trees]
    count = sum(sizes)
    tree_ids = np.repeat(np.arange(first, first + len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    left, right, features, thresholds = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold")
    )
    leaf = ~((left > node_ids) | (right > node_ids))
    # [nodes, outputs, classes]
    values = np.concatenate([tree.value[:, 0, :] if counts else tree.value[:, :, 0] for tree in trees])[leaf]
    weights = _leaf_weights(values, share, counts)
    width = weights.shape[1]
    to_left = np.zeros(count, dtype="int64")
    if missing:
        to_left = np.where(leaf, 0, np.concatenate([tree.missing_go_to_left for tree in trees]))
    kind = "class" if counts else "target"
    return Part(
        len(trees),
        np.bincount(tree_ids[leaf] - first, minlength=len(trees)),
        {
            "nodes_treeids": wire.ints(tree_ids),
            "nodes_nodeids": wire.ints(node_ids),
            "nodes_featureids": wire.ints(np.where(leaf, 0, features)),
            "nodes_modes": wire.choices(b"BRANCH_LEQ", b"LEAF", leaf),
            "nodes_values": wire.floats(_thresholds(np.where(leaf, 0.0, thresholds))),
            "nodes_truenodeids": wire.ints(np.where(leaf, 0, left)),
            "nodes_falsenodeids": wire.ints(np.where(leaf, 0, right)),
            "nodes_missing_value_tracks_true": wire.ints(to_left),
            # The training rows that came to a node: explanations need them, answers don't.
            "nodes_hitrates": wire.floats(np.concatenate([tree.weighted_n_node_samples for tree in trees])),
            f"{kind}_treeids": wire.ints(np.repeat(tree_ids[leaf], width)),
            f"{kind}_nodeids": wire.ints(np.repeat(node_ids[leaf], width)),
            f"{kind}_ids": wire.ints(np.tile(np.arange(width), len(weights))),
            f"{kind}_weights": wire.floats(weights.ravel()),
        },
    )


def _trees(model: Any) -> list[Any]:
    return [one.tree_ for one in model.estimators_] if isinstance(model, FORESTS) else [model.tree_]


def _of_one_leaf(model: Any) -> Any:
    """The model with a leaf in place of its trees."""
    leaf = SimpleNamespace(
        node_count=1, children_left=[-1], children_right=[-1], feature=[-2], threshold=[0.0], value=_trees(model)[0].value[:1]
    )
    small = copy.copy(model)
    if isinstance(model, FORESTS):
        small.estimators_ = [SimpleNamespace(tree_=leaf)]
    else:
        small.tree_ = leaf
    return small


def _forest(model: Any, missing: bool) -> Forest:
    counts = is_classifier(model)
    trees = _trees(model)
    parts: list[Part] = []
    waiting: list[Any] = []

    def close() -> None:
        parts.append(_part(waiting, sum(part.trees for part in parts), 1 / len(trees), counts, missing))
        waiting.clear()

    _, outputs, classes = trees[0].value.shape
    width = outputs if not counts or classes == 2 else classes
    size = 0
    for tree in trees:
        own = tree.node_count + tree.n_leaves * width
        if waiting and (len(waiting) == PART_TREES or size + own > PART_SIZE):
            close()
            size = 0
        waiting.append(tree)
        size += own
    close()
    return Forest(sum(tree.node_count for tree in trees), width, parts)


def _convert(scope: Any, operator: Any, container: Any) -> None:
    model, current = operator.raw_operator, _CURRENT.get()
    original = _ORIGINAL[type(model).__name__]
    options = container.get_options(model, {}, fail=False)
    special = any(value for name, value in options.items() if name != "zipmap")
    # Several labels, or one for all rows, have a graph of another form, and doubles have thresholds of another one.
    other = is_classifier(model) and (model.n_outputs_ != 1 or len(model.classes_) == 1)
    if current is None or special or other or isinstance(operator.inputs[0].type, DoubleTensorType):
        original(scope, operator, container)
        return
    inner = SimpleNamespace(
        raw_operator=_of_one_leaf(model), inputs=operator.inputs, outputs=operator.outputs, full_name=operator.full_name,
        input_full_names=operator.input_full_names, output_full_names=operator.output_full_names,
        target_opset=operator.target_opset,
    )  # fmt: skip
    original(scope, inner, container)
    current.found[container.nodes[-1].name] = _forest(model, current.missing)


def register() -> None:
    for kind in (*FORESTS, *TREES):
        alias = sklearn_operator_name_map[kind]
        if kind.__name__ not in _ORIGINAL:
            _ORIGINAL[kind.__name__] = get_converter(alias)
            # By its alias, so that shapes and parsers stay.
            register_converter(alias, _convert, overwrite=True, options=_converter_pool[alias].get_allowed_options())
