"""CatBoost in skl2onnx: its own ONNX form, node by node, without the ZipMap at its end."""

from __future__ import annotations

from typing import Any

from onnx import helper
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

CLASSIFIER, REGRESSOR, RANKER = (f"CatBoostCatBoost{kind}" for kind in ("Classifier", "Regressor", "Ranker"))


def _shapes(operator: Any) -> None:
    """Declared by the parser already."""


def _parser(alias: str) -> Any:
    def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = inputs
        if alias == CLASSIFIER:
            texts = isinstance(model.classes_[0], str)
            label = StringTensorType([None]) if texts else Int64TensorType([None])
            operator.outputs.append(scope.declare_local_variable("label", label))
            probabilities = FloatTensorType([None, len(model.classes_)])
            operator.outputs.append(scope.declare_local_variable("probabilities", probabilities))
        else:
            operator.outputs.append(scope.declare_local_variable("variable", FloatTensorType([None, 1])))
        return operator.outputs

    return parse


def _convert(scope: Any, operator: Any, container: Any) -> None:
    from catboost.utils import convert_to_onnx_object

    own = convert_to_onnx_object(operator.raw_operator).graph
    # Before the ZipMap, the table of probabilities is a tensor.
    trees = next(node for node in own.node if node.op_type.startswith("TreeEnsemble"))
    source = operator.inputs[0].full_name
    if not isinstance(operator.inputs[0].type, FloatTensorType):
        cast = scope.get_unique_variable_name("features_float")
        container.add_node("Cast", [source], [cast], name=scope.get_unique_operator_name("Cast"), to=1)
        source = cast
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in trees.attribute}
    loss = str((operator.raw_operator.get_all_params() or {}).get("loss_function", "")).split(":")[0]
    if loss == "MultiClassOneVsAll":
        attributes["post_transform"] = b"LOGISTIC"
    outputs = [output.full_name for output in operator.outputs]
    exponent = loss in ("Poisson", "Tweedie")
    sums = [scope.get_unique_variable_name("logarithm")] if exponent else outputs
    container.add_node(
        trees.op_type,
        [source],
        sums,
        name=scope.get_unique_operator_name("CatBoost"),
        op_domain="ai.onnx.ml",
        op_version=1,
        **attributes,
    )
    if exponent:
        container.add_node("Exp", sums, outputs, name=scope.get_unique_operator_name("Exp"))


def register() -> None:
    from catboost import CatBoostClassifier, CatBoostRanker, CatBoostRegressor

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    update_registered_converter(
        CatBoostClassifier, CLASSIFIER, _shapes, _convert, parser=_parser(CLASSIFIER), options=options
    )
    for kind, alias in ((CatBoostRegressor, REGRESSOR), (CatBoostRanker, RANKER)):
        update_registered_converter(kind, alias, _shapes, _convert, parser=_parser(alias))
