"""A fitted model as an ONNX graph whose inputs are the raw columns."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx
import pandas as pd
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from servemodel.catboost_convert import register as register_catboost
from servemodel.converters import boosters
from servemodel.converters import register as register_own
from servemodel.converters.calibrated import scored_raw
from servemodel.converters.forests import kept_aside
from servemodel.converters.meta import allowed_options
from servemodel.answers import Form
from servemodel.covers import write_covers
from servemodel.errors import ExportError
from servemodel.graphs import Graph, joined
import servemodel.hist_categories  # noqa: F401
from servemodel.missing_texts import mark_missing
from servemodel.native import codes_in_front, with_codes
from servemodel.naive_bayes import centre_log_probabilities
from servemodel.outputs import finish_outputs, numbered
from servemodel.prepare import prepared
from servemodel.refusals import no_form
from servemodel.signature import JSON_INTEGERS, Column, first_step, reads_one_text
from servemodel.tokens import has_default_tokens, use_exact_tokens
from servemodel.walk import estimators, final_step, library, members

__all__ = ["convert", "estimators", "final_step", "library", "name_classes"]

# Converters of LightGBM and XGBoost refuse newer operators of ai.onnx.ml.
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}
TENSORS = {
    "string": StringTensorType,
    "boolean": BooleanTensorType,
    "float": FloatTensorType,
    "double": DoubleTensorType,
    "int64": Int64TensorType,
}


def _register(name: str) -> None:
    """Register the converters of a library that is in use; boosters needn't be installed."""
    try:
        if name == "catboost":
            register_catboost()
        elif name == "lightgbm":
            boosters.register_lightgbm()
        elif name == "xgboost":
            boosters.register_xgboost()
    except ImportError as error:
        raise ExportError(f"{error}; a {name} model needs onnxmltools and {name}") from None


def _chooses_columns(model: Any) -> bool:
    """Whether the raw columns reach a ColumnTransformer, be it in a model around pipelines."""
    first = first_step(model)
    if isinstance(first, (ColumnTransformer, FeatureUnion)) or first is not final_step(model):
        return isinstance(first, ColumnTransformer)
    return any(_chooses_columns(one) for one in members(first) if hasattr(one, "get_params"))


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
    if _chooses_columns(model) or reads_one_text(model):
        return model
    columns = ColumnTransformer([("columns", "passthrough", list(frame.columns))]).fit(frame)
    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    return Pipeline([("columns", columns), *steps])


def _takes_missing(model: Any) -> bool:
    """Whether an estimator takes a missing number; one that doesn't takes no infinite one either."""
    if not type(model).__module__.startswith("sklearn."):
        return True
    try:
        from sklearn.utils import get_tags

        return bool(get_tags(model).input_tags.allow_nan)
    # Before scikit-learn 1.6.
    except ImportError:
        return bool(model._get_tags()["allow_nan"])


def _marked(model: Any, columns: list[Column]) -> Any:
    """A copy of the model whose imputers and encoders take the text that stands for a missing one."""
    nullable = [column for column in columns if column.missing is not None]
    if not nullable:
        return model
    changed = copy.deepcopy(model)
    mark_missing(estimators(changed), str(nullable[0].missing), [column.missing_cell for column in nullable])
    return changed


def _options(model: Any) -> dict[int, dict[str, Any]]:
    options: dict[int, dict[str, Any]] = {}
    if is_classifier(model) and "zipmap" in (allowed_options(type(final_step(model))) or ()):
        # The default, a ZipMap, isn't a tensor, and onnxruntime-node reads tensors only.
        options[id(model)] = {"zipmap": False}
    refuses = not _takes_missing(final_step(model))
    for step in estimators(model):
        if isinstance(step, FunctionTransformer) and refuses:
            options[id(step)] = {"finite": True}
    for step in scored_raw(model):
        options[id(step)] = {"raw_scores": True}
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


def convert(model: Any, columns: list[Column], frame: pd.DataFrame, name: str, form: Form) -> Graph:
    """The graph: an input [N, 1] for each column by position, then labels and numbers, as the form has them.

    Raises ExportError when the exporter can't convert the model.
    """
    for name_of_library in sorted({library(step) for step in estimators(model)}):
        _register(name_of_library)
    register_own()
    whole = _with_named_columns(numbered(prepared(_marked(model, columns))), frame, columns)
    missing = any(frame[column.name].isna().any() for column in columns if not column.is_text)
    inputs = [(column.name, TENSORS.get(column.type, TENSORS[column.tensor])([None, 1])) for column in columns]
    try:
        with warnings.catch_warnings(), _deep_recursion(), kept_aside(missing) as forests:
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
        write_covers(graph, final_step(whole))
        finish_outputs(graph, model, form)
        onnx.checker.check_model(graph)
    except ExportError:
        raise
    # Exporters raise exceptions of any type.
    except Exception as error:
        if "Unexpected label type" in str(error):
            raise ExportError("CatBoost exports no boolean target: fit the model on 0 and 1, or on texts") from error
        raise ExportError(no_form(error, final_step(model))) from error
    return joined(graph, forests)
