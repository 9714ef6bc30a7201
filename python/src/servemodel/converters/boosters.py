"""LightGBM and XGBoost in skl2onnx: onnxmltools' converters, with what they get wrong put right."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

from servemodel.errors import ExportError

OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"], "raw_scores": [True, False]}
CLASSIFYING = ["binary:logistic", "multi:softprob", "multi:softmax", "binary:hinge"]
LINKED = {"survival:cox", "survival:aft"}
"""XGBoost's objectives whose value is the exponential of the sum, beside those that the converter knows."""


def _trees(container: Any) -> Any:
    """The tree ensemble that was added last."""
    return next(node for node in reversed(container.nodes) if node.op_type.startswith("TreeEnsemble"))


def _attribute(node: Any, name: str) -> Any:
    return next((attribute for attribute in node.attribute if attribute.name == name), None)


def _set(node: Any, name: str, value: Any) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def _scale(node: Any, factor: float) -> None:
    for name in ("class_weights", "target_weights", "base_values"):
        attribute = _attribute(node, name)
        if attribute is not None:
            attribute.floats[:] = [float(np.float32(weight * factor)) for weight in attribute.floats]


PLAIN = {"fair": "regression", "mape": "regression", "cross_entropy": "regression", "cross_entropy_lambda": "regression",
         "lambdarank": "regression", "rank_xendcg": "regression"}  # fmt: skip
"""LightGBM's objectives that the converter doesn't know, and one whose trees are added up alike."""
LINKS = {"cross_entropy": "Sigmoid", "cross_entropy_lambda": "Softplus"}


def _convert_lightgbm(scope: Any, operator: Any, container: Any) -> None:
    import lightgbm
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    model = operator.raw_operator
    text = model.booster_.model_to_string()
    # The booster's own text: an estimator around a booster lacks its parameters.
    head = text.split("\nTree=", 1)[0].splitlines()
    facts = dict(line.split("=", 1) for line in head if "=" in line)
    if "\nis_linear=1" in text:
        raise ExportError(
            "LightGBM's linear_tree has a linear model in each leaf, which no tree of ONNX has: fit it with linear_tree=False"
        )
    objective = facts.get("objective", "").split(" ")
    booster = model.booster_
    if objective[0] in PLAIN:
        booster = lightgbm.Booster(model_str=text.replace(f"\nobjective={objective[0]}", f"\nobjective={PLAIN[objective[0]]}", 1))
    link = LINKS.get(objective[0])
    outputs = [scope.get_unique_variable_name("raw")] if link else operator.output_full_names
    own = {"classes_": model.classes_} if hasattr(model, "classes_") else {}
    # The converter divides the sum of a random forest by 100 trees, whatever their number.
    plain = SimpleNamespace(booster_=booster, boosting_type="gbdt", **own)
    convert_lightgbm(
        scope,
        SimpleNamespace(
            raw_operator=plain, full_name=operator.full_name, input_full_names=operator.input_full_names,
            outputs=operator.outputs, output_full_names=outputs,
        ),
        container,
    )  # fmt: skip
    node = _trees(container)
    if "average_output" in head:
        _scale(node, 1 / max(1, model.booster_.num_trees() // int(facts.get("num_tree_per_iteration", 1))))
    if objective[0] == "multiclassova":
        _set(node, "post_transform", "LOGISTIC")
    if own and container.get_options(model, {"raw_scores": False}, fail=False)["raw_scores"]:
        _set(node, "post_transform", "NONE")
    sigmoid = next((float(word.split(":")[1]) for word in objective if word.startswith("sigmoid:")), 1.0)
    if sigmoid != 1:
        _scale(node, sigmoid)
    if link:
        container.add_node(link, outputs, operator.output_full_names, name=scope.get_unique_operator_name(link))


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _without_dropout(booster: Any) -> Any:
    """A booster of the same trees, whose leaves have the weights that dart gave to the trees."""
    import xgboost

    members = json.loads(booster.save_raw("json"))
    dart = members["learner"]["gradient_booster"]
    trees = dart["gbtree"]["model"]["trees"]
    for tree, weight in zip(trees, dart["weight_drop"], strict=True):
        for node, left in enumerate(tree["left_children"]):
            if left == -1:
                tree["split_conditions"][node] *= weight
    members["learner"]["gradient_booster"] = {**dart["gbtree"], "name": "gbtree"}
    return xgboost.Booster(model_file=bytearray(json.dumps(members).encode()))


def _targets(learner: dict[str, Any]) -> int:
    """Values a row, by a booster's configuration."""
    return max(1, int(learner["learner_model_param"].get("num_target", 1)))


def _without_later_trees(booster: Any) -> Any:
    """The booster up to the iteration at which early stopping found it best, which the converter takes for a number of trees."""
    best = booster.attr("best_iteration")
    if best is None:
        return booster
    booster = booster[: int(best) + 1]
    booster.set_attr(best_iteration=None)
    return booster


def _give_groups(node: Any, booster: Any, groups: int) -> None:
    """Adds each tree's weights to its own class or target: the converter takes another one for some, or the first for all."""
    kind = "class" if node.op_type.endswith("Classifier") else "target"
    owners = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["tree_info"]
    _set(node, f"{kind}_ids", [owners[tree] for tree in _attribute(node, f"{kind}_treeids").ints])
    base = _attribute(node, "base_values")
    # Before XGBoost 3.1 there is one for all.
    if base is not None and len(base.floats) == 1:
        base.floats.extend(list(base.floats) * (groups - 1))


def _value_shapes(operator: Any) -> None:
    calculate_linear_regressor_output_shapes(operator)
    learner = json.loads(operator.raw_operator.get_booster().save_config())["learner"]
    operator.outputs[0].type.shape = [operator.inputs[0].type.shape[0], _targets(learner)]


def _convert_xgboost(scope: Any, operator: Any, container: Any) -> None:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

    model = operator.raw_operator
    plain = copy.copy(model)
    learner = json.loads(model.get_booster().save_config())["learner"]
    kind, objective = learner["gradient_booster"]["name"], learner["objective"]["name"]
    if kind == "gblinear":
        raise ExportError("XGBoost's gblinear has no ONNX form: fit scikit-learn's LogisticRegression, Ridge or Lasso, which are linear too")
    if hasattr(model, "classes_") and objective not in CLASSIFYING:
        raise ExportError(f"XGBoost's objective {objective} gives no probabilities: fit it with {' or '.join(CLASSIFYING[:2])}")
    targets = _targets(learner)
    if targets > 1 and hasattr(model, "n_classes_"):
        _several_labels(scope, operator, container)
        return
    if targets > 1 and learner["learner_train_param"].get("multi_strategy") == "multi_output_tree":
        raise ExportError(
            "XGBoost's multi_output_tree has several values in each leaf, which its ONNX form lacks: fit it with "
            "multi_strategy='one_output_per_tree', the default"
        )
    booster = _without_dropout(model.get_booster()) if kind == "dart" else model.get_booster().copy()
    booster = _without_later_trees(booster)
    # The converter accepts f0, f1, … only.
    booster.feature_names = None
    plain._Booster = booster
    stands_for = {"multi:softmax": "multi:softprob", "reg:logistic": "reg:squarederror"} | dict.fromkeys(LINKED, "count:poisson")
    plain.objective = stands_for.get(objective, objective)
    linked = objective == "reg:logistic" and not hasattr(model, "classes_")
    outputs = [scope.get_unique_variable_name("raw")] if linked else operator.output_full_names
    convert_xgboost(
        scope,
        SimpleNamespace(
            raw_operator=plain, inputs=operator.inputs, input_full_names=operator.input_full_names, output_full_names=outputs
        ),
        container,
    )
    node = _trees(container)
    groups = max(targets, int(learner["learner_model_param"]["num_class"]))
    if groups > 1:
        _give_groups(node, booster, groups)
    if hasattr(model, "classes_") and container.get_options(model, {"raw_scores": False}, fail=False)["raw_scores"]:
        _set(node, "post_transform", "NONE")
    if linked:
        base = _attribute(node, "base_values")
        if base is not None:
            base.floats[:] = [_logit(value) for value in base.floats]
        container.add_node("Sigmoid", outputs, operator.output_full_names, name=scope.get_unique_operator_name("Sigmoid"))


def _several_labels(scope: Any, operator: Any, container: Any) -> None:
    """XGBoost's classifier of several labels: the probability of each as a value, and whether it is above a half."""
    import xgboost

    members = json.loads(operator.raw_operator.get_booster().save_raw("json"))
    members["learner"]["objective"] = {"name": "reg:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}
    model = xgboost.XGBRegressor()
    model.load_model(bytearray(json.dumps(members).encode()))
    label, values = (output.full_name for output in operator.outputs)
    inner = SimpleNamespace(
        raw_operator=model, inputs=operator.inputs, input_full_names=operator.input_full_names, output_full_names=[values]
    )
    _convert_xgboost(scope, inner, container)
    half, above = scope.get_unique_variable_name("half"), scope.get_unique_variable_name("above")
    container.add_initializer(half, TensorProto.FLOAT, [1], [0.5])
    container.add_node("Greater", [values, half], [above], name=scope.get_unique_operator_name("Greater"))
    container.add_node("Cast", [above], [label], name=scope.get_unique_operator_name("Cast"), to=TensorProto.INT64)


def register_lightgbm() -> None:
    from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

    update_registered_converter(
        LGBMClassifier, "LightGbmLGBMClassifier", calculate_linear_classifier_output_shapes, _convert_lightgbm, options=OPTIONS
    )
    for kind in (LGBMRegressor, LGBMRanker):
        update_registered_converter(kind, f"LightGbm{kind.__name__}", calculate_linear_regressor_output_shapes, _convert_lightgbm)


def _numbered_nodes(tree: dict[str, Any]) -> dict[int, int]:
    """New numbers of the nodes of a tree of XGBoost, in the order in which they are reached from the root."""
    numbers: dict[int, int] = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node["nodeid"] not in numbers:
            numbers[node["nodeid"]] = len(numbers)
            waiting += reversed(node.get("children", []))
    return numbers


def register_xgboost() -> None:
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import XGBConverter
    from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

    # Its own walks each path: a tree with sets of categories has more of them than there is time for.
    XGBConverter._remap_nodeid = staticmethod(_numbered_nodes)
    for kind in (XGBClassifier, XGBRFClassifier):
        update_registered_converter(
            kind, f"XGBoost{kind.__name__}", calculate_linear_classifier_output_shapes, _convert_xgboost, options=OPTIONS
        )
    for kind in (XGBRegressor, XGBRFRegressor, XGBRanker):
        update_registered_converter(kind, f"XGBoost{kind.__name__}", _value_shapes, _convert_xgboost)
