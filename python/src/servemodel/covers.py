"""How many training rows came to each node of a model's trees, written into the graph: exact explanations need it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx


class Node(NamedTuple):
    """A node of a tree. cover: weight of the training rows that came to it. feature: -1 in a leaf."""

    cover: float
    feature: int
    left: Any = None
    right: Any = None


def _children(node: Node) -> tuple[Node, Node]:
    left, right = node.left, node.right
    return (left() if callable(left) else left), (right() if callable(right) else right)


def _of_scikit_learn(tree: Any) -> Node:
    def at(node: int) -> Node:
        cover = float(tree.weighted_n_node_samples[node])
        if tree.children_left[node] == -1:
            return Node(cover, -1)
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        return Node(cover, int(tree.feature[node]), lambda: at(left), lambda: at(right))

    return at(0)


def _of_histogram(nodes: np.ndarray) -> Node:
    def at(number: int) -> Node:
        node = nodes[number]
        if node["is_leaf"]:
            return Node(float(node["count"]), -1)
        left, right = int(node["left"]), int(node["right"])
        return Node(float(node["count"]), int(node["feature_idx"]), lambda: at(left), lambda: at(right))

    return at(0)


def _of_lightgbm(node: dict[str, Any]) -> Node:
    if "split_feature" not in node:
        # A tree of one leaf has no count.
        return Node(float(node.get("leaf_count", 1)), -1)
    left, right = node["left_child"], node["right_child"]
    return Node(
        float(node["internal_count"]), int(node["split_feature"]), lambda: _of_lightgbm(left), lambda: _of_lightgbm(right)
    )


def _of_xgboost(tree: dict[str, Any]) -> Node:
    covers, features = tree["sum_hessian"], tree["split_indices"]

    def at(node: int) -> Node:
        left, right = tree["left_children"][node], tree["right_children"][node]
        if left == -1:
            return Node(float(covers[node]), -1)
        return Node(float(covers[node]), int(features[node]), lambda: at(left), lambda: at(right))

    return at(0)


def _trees(model: Any) -> list[Node] | None:
    """The trees of a fitted estimator in the order of the graph's; None for one without trees of its own."""
    library, kind = type(model).__module__.split(".")[0], type(model).__module__
    if library == "lightgbm":
        return [_of_lightgbm(tree["tree_structure"]) for tree in model.booster_.dump_model()["tree_info"]]
    if library == "xgboost":
        members = json.loads(model.get_booster().save_raw("json"))["learner"]["gradient_booster"]
        trees = members.get("gbtree", members)["model"].get("trees")
        return None if trees is None else [_of_xgboost(tree) for tree in trees]
    if library != "sklearn":
        return None
    if hasattr(model, "tree_"):
        return [_of_scikit_learn(model.tree_)]
    if kind.startswith("sklearn.ensemble._hist"):
        return [_of_histogram(tree.nodes) for step in model._predictors for tree in step]
    if kind.startswith(("sklearn.ensemble._forest", "sklearn.ensemble._gb")):
        return [_of_scikit_learn(one.tree_) for one in np.ravel(model.estimators_)]
    return None


class _Graph(NamedTuple):
    """The lists of a tree ensemble in a graph, by position."""

    trees: list[range]
    leaf: np.ndarray
    feature: np.ndarray
    true_child: np.ndarray
    false_child: np.ndarray


def _lists(attributes: dict[str, onnx.AttributeProto]) -> _Graph | None:
    ids, tree_ids = (np.array(attributes[name].ints) for name in ("nodes_nodeids", "nodes_treeids"))
    starts = [0, *(np.flatnonzero(np.diff(tree_ids)) + 1).tolist(), len(ids)] if len(ids) > 0 else [0]
    trees = [range(start, end) for start, end in zip(starts[:-1], starts[1:], strict=True)]
    if len({int(tree_ids[tree.start]) for tree in trees}) != len(trees):
        return None
    places = {(int(tree), int(node)): place for place, (tree, node) in enumerate(zip(tree_ids, ids, strict=True))}

    def children(name: str) -> np.ndarray:
        found = zip(tree_ids, attributes[name].ints, strict=True)
        return np.array([places.get((int(tree), int(node)), -1) for tree, node in found])

    return _Graph(
        trees,
        np.array([mode == b"LEAF" for mode in attributes["nodes_modes"].strings]),
        np.array(attributes["nodes_featureids"].ints),
        children("nodes_truenodeids"),
        children("nodes_falsenodeids"),
    )


def _matched(graph: _Graph, trees: list[Node]) -> np.ndarray | None:
    """The cover of each node of the graph; None where its trees aren't the model's."""
    if len(graph.trees) != len(trees):
        return None
    covers = np.ones(len(graph.leaf), dtype="float32")
    for places, tree in zip(graph.trees, trees, strict=True):
        waiting = [(places.start, tree)]
        seen = 0
        while waiting:
            place, node = waiting.pop()
            if place < 0 or graph.leaf[place] != (node.feature == -1):
                return None
            seen += 1
            covers[place] = node.cover
            if graph.leaf[place]:
                continue
            if graph.feature[place] != node.feature:
                return None
            left, right = _children(node)
            waiting += [(int(graph.true_child[place]), left), (int(graph.false_child[place]), right)]
        if seen != len(places):
            return None
    return covers


def _catboost_weights(model: Any) -> list[list[float]] | None:
    """The weights of each tree's leaves; its own method knows only models of one score."""
    from catboost import CatBoostError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        try:
            model.save_model(str(path), format="json")
        except CatBoostError:
            return None
        trees = json.loads(path.read_bytes()).get("oblivious_trees")
    return None if trees is None else [tree["leaf_weights"] for tree in trees]


def _of_oblivious(graph: _Graph, model: Any) -> np.ndarray | None:
    """CatBoost's graph has its own trees, whose leaves come in the order of its list of weights."""
    own = _catboost_weights(model)
    counts = [int(np.count_nonzero(graph.leaf[tree.start : tree.stop])) for tree in graph.trees]
    if own is None or [len(weights) for weights in own] != counts:
        return None
    covers = np.zeros(len(graph.leaf))
    for places, weights in zip(graph.trees, own, strict=True):
        # The bit of each level says on which side of its test a leaf is; the root has the highest one.
        waiting = [(places.start, 0)]
        order = []
        while waiting:
            place, index = waiting.pop()
            if place < 0:
                return None
            order.append(place)
            if graph.leaf[place]:
                if index >= len(weights):
                    return None
                covers[place] = weights[index]
                continue
            waiting += [(int(graph.true_child[place]), 2 * index + 1), (int(graph.false_child[place]), 2 * index)]
        for place in reversed(order):
            if not graph.leaf[place]:
                covers[place] = covers[graph.true_child[place]] + covers[graph.false_child[place]]
    return covers.astype("float32")


def _ensembles(graph: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    return (node for node in graph.graph.node if node.op_type.startswith("TreeEnsemble") and node.domain == "ai.onnx.ml")


def write_covers(graph: onnx.ModelProto, model: Any) -> bool:
    """Write the covers of a fitted estimator's trees into the graph's one tree ensemble, whose answers stay the same.

    Returns whether that was possible: the graph's trees must be the estimator's, node by node.
    """
    found = list(_ensembles(graph))
    if len(found) != 1:
        return False
    attributes = {attribute.name: attribute for attribute in found[0].attribute}
    if "nodes_treeids" not in attributes:
        return False
    lists = _lists(attributes)
    if lists is None:
        return False
    if type(model).__module__.startswith("catboost"):
        covers = _of_oblivious(lists, model)
    else:
        trees = _trees(model)
        covers = None if trees is None else _matched(lists, trees)
    if covers is None or not np.isfinite(covers).all():
        return False
    if "nodes_hitrates" not in attributes:
        found[0].attribute.append(onnx.helper.make_attribute("nodes_hitrates", [1.0]))
    hitrates = next(attribute for attribute in found[0].attribute if attribute.name == "nodes_hitrates")
    hitrates.floats[:] = covers.tolist()
    return True
