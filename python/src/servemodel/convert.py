"""A fitted model as an ONNX graph whose inputs are the raw columns."""

from __future__ import annotations

import copy
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx
import pandas as pd
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.base import BaseEstimator, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline

from servemodel.catboost_convert import register as register_catboost
from servemodel.errors import ExportError
import servemodel.hist_categories  # noqa: F401
from servemodel.missing_texts import mark_missing
from servemodel.native import codes_in_front, with_codes
from servemodel.naive_bayes import centre_log_probabilities
from servemodel.signature import JSON_INTEGERS, Column, first_step, reads_one_text
from servemodel.sources import TWO_WAYS
from servemodel.tokens import has_default_tokens, use_exact_tokens

# Converters of LightGBM and XGBoost refuse newer operators of ai.onnx.ml.
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}
TENSORS = {
    "string": StringTensorType,
    "boolean": BooleanTensorType,
    "float": FloatTensorType,
    "double": DoubleTensorType,
    "int64": Int64TensorType,
}


def estimators(model: Any) -> list[BaseEstimator]:
    """The model and everything within it."""
    found = [model]
    if isinstance(model, Pipeline):
        inner = [step for _, step in model.steps]
    elif isinstance(model, ColumnTransformer):
        inner = [step for _, step, _ in model.transformers_]
    elif isinstance(model, FeatureUnion):
        inner = [step for _, step in model.transformer_list]
    elif isinstance(model, (VotingClassifier, VotingRegressor)):
        inner = list(model.estimators_)
    else:
        inner = []
    for step in inner:
        if isinstance(step, BaseEstimator):
            found += estimators(step)
    return found


def final_step(model: Any) -> Any:
    return final_step(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def library(model: Any) -> str:
    """The package of the estimator that predicts: sklearn, lightgbm, xgboost or catboost."""
    return type(final_step(model)).__module__.split(".")[0]


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


def _register(name: str) -> None:
    """Register the converter of a boosting library that is in use; others needn't be installed."""
    if name == "catboost":
        register_catboost()
    if name not in ("lightgbm", "xgboost"):
        return
    try:
        if name == "lightgbm":
            from lightgbm import LGBMClassifier as Classifier, LGBMRegressor as Regressor
            from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as convert

            alias = "LightGbmLGBM"
        else:
            from onnxmltools.convert.xgboost.operator_converters.XGBoost import XGBConverter, convert_xgboost as convert
            from xgboost import XGBClassifier as Classifier, XGBRegressor as Regressor

            # Its own walks each path: a tree with sets of categories has more of them than there is time for.
            XGBConverter._remap_nodeid = staticmethod(_numbered_nodes)
            alias = "XGBoostXGB"
    except ImportError as error:
        raise ExportError(f"{error}; a {name} model needs onnxmltools and {name}") from None
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    shapes = calculate_linear_classifier_output_shapes
    update_registered_converter(Classifier, f"{alias}Classifier", shapes, convert, options=options)
    update_registered_converter(Regressor, f"{alias}Regressor", calculate_linear_regressor_output_shapes, convert)


def _with_named_columns(model: Any, frame: pd.DataFrame, described: list[Column]) -> Any:
    """The model behind a step that takes columns: without that step, the graph would have one unnamed input."""
    native = {column.name: column.native for column in described if column.native is not None}
    if native:
        names = list(frame.columns)
        if getattr(model, "is_categorical_", None) is not None:
            # HistGradientBoosting moves them to the front.
            names.sort(key=lambda name: name not in native)
        return Pipeline([("codes", codes_in_front(frame, names, native)), ("model", model)])
    last = final_step(model)
    if last is not model and getattr(last, "is_categorical_", None) is not None:
        model = Pipeline([*model.steps[:-1], (model.steps[-1][0], with_codes(last))])
    if isinstance(first_step(model), ColumnTransformer) or reads_one_text(model):
        return model
    columns = ColumnTransformer([("columns", "passthrough", list(frame.columns))]).fit(frame)
    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    return Pipeline([("columns", columns), *steps])


def _without_feature_names(model: Any) -> Any:
    """The model without XGBoost's feature names: its converter accepts f0, f1, … only."""
    if library(model) != "xgboost":
        return model
    unnamed = copy.deepcopy(model)
    final_step(unnamed).get_booster().feature_names = None
    return unnamed


def _convertible(model: Any, columns: list[Column]) -> Any:
    """The model with settings that skl2onnx takes, where they change no answer."""
    nullable = [column for column in columns if column.missing is not None]
    if not nullable and not any(isinstance(step, VotingClassifier) and step.flatten_transform for step in estimators(model)):
        return model
    changed = copy.deepcopy(model)
    if nullable:
        mark_missing(estimators(changed), str(nullable[0].missing), [column.missing_cell for column in nullable])
    for step in estimators(changed):
        if isinstance(step, VotingClassifier):
            # The form of transform(), which no prediction uses.
            step.flatten_transform = False
    return changed


def _options(model: Any) -> dict[int, dict[str, Any]]:
    options: dict[int, dict[str, Any]] = {}
    if is_classifier(model):
        # The default, a ZipMap, isn't a tensor, and onnxruntime-node reads tensors only.
        options[id(model)] = {"zipmap": False}
    for step in estimators(model):
        if isinstance(step, CountVectorizer):
            # A slim Debian lacks the default locale; both lower-case every letter alike.
            options[id(step)] = {"locale": "C.UTF-8"}
            if has_default_tokens(step):
                # A placeholder of the right type, which use_exact_tokens replaces.
                options[id(step)]["tokenexp"] = "[a-zA-Z0-9_]+"
    return options


def _counted(graph: onnx.ModelProto, numbers: list[int]) -> list[int]:
    """The numbers of classes in the graph, which from now on counts them from 0 if its one classifier has them as labels.

    The server reads no integers beyond 2^53 in a graph whose forest it lifts.
    """
    lists = [
        attribute.ints for node in graph.graph.node for attribute in node.attribute if attribute.name.startswith("classlabels_int")
    ]
    if len(lists) != 1 or list(lists[0]) != numbers or not any(abs(number) > JSON_INTEGERS for number in numbers):
        return numbers
    lists[0][:] = range(len(numbers))
    return list(lists[0])


def name_classes(graph: onnx.ModelProto, numbers: list[int], classes: list[str]) -> None:
    """Replace the numbers of classes by their names in the graph's label output, in the order of the numbers."""
    label = graph.graph.output[0]
    numbers = _counted(graph, numbers)
    numbered = f"{label.name}_number"
    for node in graph.graph.node:
        for index, name in enumerate(node.output):
            if name == label.name:
                node.output[index] = numbered
    graph.graph.node.append(
        helper.make_node(
            "LabelEncoder",
            [numbered],
            [label.name],
            name="ClassNames",
            domain="ai.onnx.ml",
            keys_int64s=numbers,
            values_strings=classes,
        )  # fmt: skip
    )
    label.type.tensor_type.elem_type = TensorProto.STRING
    # skl2onnx declares the oldest operator set that suffices; these attributes came with version 2.
    ml = next((opset for opset in graph.opset_import if opset.domain == "ai.onnx.ml"), None)
    if ml is None:
        graph.opset_import.append(helper.make_opsetid("ai.onnx.ml", TARGET_OPSET["ai.onnx.ml"]))
    else:
        ml.version = max(ml.version, 2)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Converters follow a tree from node to node, and a set of categories is a chain of them."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 50_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def convert(model: Any, columns: list[Column], frame: pd.DataFrame, name: str) -> onnx.ModelProto:
    """The graph: an input [N, 1] for each column by position, then label and probabilities, or a value.

    Raises ExportError when the exporter can't convert the model.
    """
    for name_of_library in sorted({library(step) for step in estimators(model)}):
        _register(name_of_library)
    whole = _with_named_columns(_convertible(_without_feature_names(model), columns), frame, columns)
    inputs = [(column.name, TENSORS.get(column.type, TENSORS[column.tensor])([None, 1])) for column in columns]
    try:
        with warnings.catch_warnings(), _deep_recursion():
            warnings.simplefilter("ignore")
            graph = convert_sklearn(
                whole,
                # Without a name skl2onnx makes up a random one, and the digest would differ each time.
                name=name,
                initial_types=inputs,
                target_opset=TARGET_OPSET,
                options=_options(whole),
            )
        use_exact_tokens(graph, estimators(whole))
        centre_log_probabilities(graph, estimators(whole))
        onnx.checker.check_model(graph)
    except ExportError:
        raise
    # Exporters raise exceptions of any type.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        own = re.search(r"Unable to find a? ?(?:shape calculator|converter|parser).*?'<class '([\w.]+)'>'", reason)
        if own is not None:
            name = own[1].rsplit(".", 1)[-1]
            raise ExportError(f"{name} has no ONNX form; {TWO_WAYS}") from error
        if "Unexpected label type" in reason:
            raise ExportError("CatBoost exports no boolean target: fit the model on 0 and 1, or on texts") from error
        raise ExportError(f"this model can't be exported to ONNX: {reason[:400]}") from error
    return graph
