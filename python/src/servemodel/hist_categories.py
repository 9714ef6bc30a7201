"""HistGradientBoosting's splits by categories in ONNX, which skl2onnx writes as if they compared numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx.common.tree_ensemble import add_node
from skl2onnx.operator_converters import random_forest

NAME = "add_tree_to_attribute_pairs_hist_gradient_boosting"
_numbers_only = getattr(random_forest, NAME)


def _members(bitset: np.ndarray) -> list[int]:
    """The codes in a set of bits, 32 a word."""
    return np.flatnonzero(np.unpackbits(np.ascontiguousarray(bitset, dtype="<u4").view(np.uint8), bitorder="little")).tolist()


def _add_tree(
    attributes: Any, is_classifier: bool, tree: Any, tree_id: int, weight: float, bias: int, counts: bool, adjust: bool = False,
    dtype: Any = None,
) -> None:  # fmt: skip
    """As skl2onnx's own function, but with a chain of equalities for each set of categories, which share the left child."""
    sets = tree.nodes["is_categorical"] & ~tree.nodes["is_leaf"]
    if not sets.any():
        _numbers_only(attributes, is_classifier, tree, tree_id, weight, bias, counts, adjust, dtype)
        return
    more = len(tree.nodes)
    for at, node in enumerate(tree.nodes):

        def add(own: int, mode: str, value: float, right: int, node: Any = node) -> None:
            leaf = mode == "LEAF"
            add_node(
                attributes, is_classifier, tree_id, weight, own, 0 if leaf else node["feature_idx"], mode, value,
                0 if leaf else node["left"], right, node["value"], bias, counts, adjust_threshold_for_sklearn=adjust,
                dtype=dtype, nodes_missing_value_tracks_true=bool(node["missing_go_to_left"]) and not leaf,
            )  # fmt: skip

        if node["is_leaf"]:
            add(at, "LEAF", 0.0, 0)
            continue
        codes = _members(tree.raw_left_cat_bitsets[node["bitset_idx"]]) if node["is_categorical"] else []
        if not codes:
            # In an empty set is no code: it parts those that are missing from the others.
            threshold = -1.0 if node["is_categorical"] else node["num_threshold"]
            add(at, "BRANCH_LEQ", threshold, node["right"])
        else:
            own = [at, *range(more, more + len(codes) - 1)]
            more += len(codes) - 1
            for place, code in enumerate(codes):
                add(own[place], "BRANCH_EQ", float(code), [*own, node["right"]][place + 1])


setattr(random_forest, NAME, _add_tree)
