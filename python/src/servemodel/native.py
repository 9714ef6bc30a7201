"""Categories that a booster knows by itself: encoded in front of its trees, as the library does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common._apply_operation import apply_cast, apply_concat
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from servemodel.errors import ExportError

LARGEST = 2**24
"""Up to here float32 distinguishes all whole numbers."""


class NativeCodes(TransformerMixin, BaseEstimator):
    """Codes of one column: the places of its categories, NaN for a missing or unknown value."""

    def __init__(self, categories: Sequence[Any] = ()) -> None:
        self.categories = categories

    def fit(self, rows: Any, target: Any = None) -> NativeCodes:
        self.fitted_ = True
        return self

    def transform(self, rows: Any) -> np.ndarray:
        codes = pd.Categorical(np.ravel(rows), categories=list(self.categories)).codes.astype("float64")
        return np.where(codes < 0, np.nan, codes).reshape(-1, 1)


def _convert_codes(scope: Any, operator: Any, container: Any) -> None:
    texts = isinstance(operator.inputs[0].type, StringTensorType)
    names = operator.inputs[0].full_name, operator.outputs[0].full_name
    _add_codes(scope, container, *names, operator.raw_operator.categories, texts)


def _add_codes(scope: Any, container: Any, source: str, codes: str, categories: Sequence[Any], texts: bool) -> None:
    keys = {"keys_strings": [str(one) for one in categories]} if texts else {"keys_floats": [float(one) for one in categories]}
    container.add_node(
        "LabelEncoder", [source], [codes], op_domain="ai.onnx.ml", op_version=2,
        name=scope.get_unique_operator_name("LabelEncoder"), **keys,
        values_floats=[float(code) for code in range(len(categories))], default_float=float("nan"),
    )  # fmt: skip


class MatrixCodes(TransformerMixin, BaseEstimator):
    """The columns of a matrix in another order, some of them as codes of their categories."""

    def __init__(self, order: Sequence[int], categories: Mapping[int, Sequence[Any]]) -> None:
        self.order, self.categories = order, categories


def _convert_matrix(scope: Any, operator: Any, container: Any) -> None:
    codes = operator.raw_operator
    source, coded = scope.get_unique_variable_name("matrix"), []
    apply_cast(scope, operator.inputs[0].full_name, source, container, to=TensorProto.FLOAT)
    for place in codes.order:
        index, column = scope.get_unique_variable_name("index"), scope.get_unique_variable_name("column")
        container.add_initializer(index, TensorProto.INT64, [1], [place])
        container.add_node("Gather", [source, index], [column], axis=1, name=scope.get_unique_operator_name("Gather"))
        coded.append(column)
        if place in codes.categories:
            coded[-1] = scope.get_unique_variable_name("codes")
            _add_codes(scope, container, column, coded[-1], codes.categories[place], texts=False)
    apply_concat(scope, coded, operator.outputs[0].full_name, container, axis=1)


def _matrix_shapes(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, len(operator.raw_operator.order)])


def _codes_shapes(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, 1])


update_registered_converter(MatrixCodes, "ServemodelMatrixCodes", _matrix_shapes, _convert_matrix)
update_registered_converter(NativeCodes, "ServemodelNativeCodes", _codes_shapes, _convert_codes)


def codes_in_front(rows: Any, names: Sequence[Any], categories: Mapping[Any, Sequence[Any]]) -> ColumnTransformer:
    """A fitted step that makes a matrix of numbers of columns, in the order of these names or positions."""
    parts: list[tuple[str, Any, list[Any]]] = []
    for name in names:
        if name in categories:
            parts.append((f"codes{len(parts)}", NativeCodes(categories[name]), [name]))
        elif parts and parts[-1][1] == "passthrough":
            parts[-1][2].append(name)
        else:
            parts.append((f"numbers{len(parts)}", "passthrough", [name]))
    return ColumnTransformer(parts).fit(rows)


def checked_categories(name: str, categories: Sequence[Any]) -> tuple[Any, ...]:
    """The categories of a column in their order: texts, or whole numbers. Raises ExportError for others."""
    plain = [one.item() if isinstance(one, np.generic) else one for one in categories]
    if all(isinstance(one, str) for one in plain):
        return tuple(plain)
    numbers = [one for one in plain if isinstance(one, (int, float)) and not isinstance(one, bool)]
    whole = len(numbers) == len(plain) and all(float(one).is_integer() and abs(one) <= LARGEST for one in numbers)
    if not whole:
        raise ExportError(
            f"column {name} has categories that are neither texts nor whole numbers up to 2^24: fit the model on texts, "
            f"frame['{name}'].astype(str).astype('category')"
        )
    return tuple(int(one) for one in numbers)


def in_library_form(frame: pd.DataFrame, categories: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """The rows with these columns as pandas categories: the fitted ones, then those that the model doesn't know."""
    cells = {}
    for name, known in categories.items():
        values = frame[name].astype(object)
        unknown = [one for one in pd.unique(values.dropna()) if one not in known]
        cells[name] = pd.Categorical(values, categories=[*known, *unknown])
    return frame.assign(**cells) if cells else frame


@dataclass(frozen=True)
class Native:
    """What a fitted model knows of the categories of its columns."""

    categories: Mapping[str, tuple[Any, ...]]  # in the order of their codes
    whole: tuple[str, ...] = ()  # numbers that it takes as categories, without their fraction
    closed: bool = False  # the library refuses other values than these
    typed: bool = True  # the library takes them as pandas categories


def refuse_categories(library: str, names: Sequence[str], reason: str = "which its ONNX form can't") -> NoReturn:
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    raise ExportError(
        f"{library} knows the categories of {shown} by itself, {reason}: put them through "
        "OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1) in a pipeline, and fit on its numbers"
    )


def _feature_infos(booster: Any) -> list[str]:
    """What LightGBM notes of each column: [least:most] of numbers, the codes of categories, or none."""
    for line in booster.model_to_string(num_iteration=1).splitlines():
        if line.startswith("feature_infos="):
            return line.partition("=")[2].split(" ")
    return []


def _codes(info: str) -> list[int]:
    return [] if info == "none" else [int(code) for code in info.split(":")]


def lightgbm_native(booster: Any, frame: pd.DataFrame | None = None) -> Native:
    """Categories of a fitted LightGBM booster.

    frame: the model's columns, whose types show which hold categories; without it, the booster's notes have to.
    """
    names = list(booster.feature_name()) if frame is None else list(frame.columns)
    infos = _feature_infos(booster)
    noted = [name for name, info in zip(names, infos, strict=False) if not info.startswith(("[", "none"))]
    lists = booster.pandas_categorical or []
    coded = {name: _codes(info) for name, info in zip(names, infos, strict=False) if not info.startswith("[")}
    fits = all(max(codes, default=0) < len(found) for codes, found in zip(coded.values(), lists, strict=False))
    columns = list(coded) if fits else []
    if frame is not None:
        kinds = [isinstance(frame[name].dtype, pd.CategoricalDtype) or not is_numeric_dtype(frame[name]) for name in names]
        shown = [name for name, kind in zip(names, kinds, strict=True) if kind]
        columns = shown if len(shown) == len(lists) else columns
    if lists and len(columns) != len(lists):
        raise ExportError(
            f"LightGBM has categories of {len(lists)} columns, but doesn't note which: give rows in which these have pandas' "
            "type category, or are texts, and no others are"
        )
    categories = {name: checked_categories(name, found) for name, found in zip(columns, lists, strict=False)}
    return Native(categories, tuple(name for name in noted if name not in categories))


def xgboost_native(model: Any, frame: pd.DataFrame | None = None) -> Native:
    """Categories of a fitted XGBoost estimator, which notes them since version 3.1.

    frame: the model's columns, if there are rows.
    """
    booster = model.get_booster()
    places = [place for place, kind in enumerate(booster.feature_types or []) if kind == "c"]
    if not places:
        return Native({})
    numbered = [f"f{place}" for place in range(booster.num_features())] if frame is None else list(frame.columns)
    names = booster.feature_names or numbered
    members = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    members = members.get("gbtree", members)  # within DART
    encodings = members["model"].get("cats", {}).get("enc", [])
    noted = [place for place in places if place < len(encodings) and encodings[place].get("values")]
    if len(noted) < len(places):
        unnoted = [names[place] for place in places if place not in noted]
        refuse_categories("XGBoost", unnoted, "and notes them only since version 3.1, and of pandas' type category")
    cells = {place: [] if frame is None else list(frame.iloc[:, place].dropna().unique()) for place in places}
    return Native({names[place]: _xgboost_texts(names[place], encodings[place], cells[place]) for place in places}, closed=True)


def _xgboost_texts(name: str, encoding: Mapping[str, Any], cells: list[Any]) -> tuple[str, ...]:
    """The categories of a column, which are noted as UTF-8 in one list, and where each begins.

    cells: values of the column, if there are rows.
    """
    if "offsets" not in encoding:
        raise ExportError(
            f"column {name} has categories that are numbers, and XGBoost refuses those that it doesn't know, which a served "
            f"column of numbers can't: fit the model on texts, frame['{name}'].astype(str).astype('category')"
        )
    content = bytes(value % 256 for value in encoding["values"])
    found = tuple(content[start:end].decode("utf-8", "replace") for start, end in pairwise(encoding["offsets"]))
    # XGBoost 3 counts letters where it means bytes: it cuts such categories, and takes one for another.
    if not content.isascii() and (not cells or not set(cells) <= set(found)):
        raise ExportError(
            f"column {name} has categories with letters outside ASCII, which XGBoost mixes up: fit the model on others, or "
            "put the column through OrdinalEncoder in a pipeline"
        )
    return found


def native_categories(model: Any, frame: pd.DataFrame, is_first: bool) -> Native:
    """What a fitted model knows of the categories of the columns of a frame.

    is_first: the model takes the columns as they are. Raises ExportError for categories that can't be exported.
    """
    library = type(model).__module__.split(".")[0]
    found = Native({})
    if library == "lightgbm":
        if not is_first and model.booster_.pandas_categorical:
            refuse_categories("LightGBM", ["its columns"], "behind other steps")
        found = lightgbm_native(model.booster_, frame) if is_first else found
    elif library == "xgboost":
        if not is_first and "c" in (model.get_booster().feature_types or []):
            refuse_categories("XGBoost", ["its columns"], "behind other steps")
        found = xgboost_native(model, frame) if is_first else found
    elif getattr(model, "is_categorical_", None) is not None:
        if is_first:
            names = list(frame.columns)
            known = {names[place]: checked_categories(names[place], one) for place, one in hist_categories(model).items()}
            found = Native(known, typed=False)
        elif any(isinstance(one, str) for values in hist_categories(model).values() for one in values):
            refuse_categories(type(model).__name__, ["its columns"], "as texts behind other steps")
    elif library == "catboost":
        refuse_catboost(model)
    return found


def refuse_catboost(model: Any) -> None:
    """CatBoost counts answers by category, and its ONNX export leaves that out. Raises ExportError where it does so."""
    names = [str(name) for name in model.feature_names_]
    special = {*model.get_cat_feature_indices(), *model.get_text_feature_indices(), *model.get_embedding_feature_indices()}
    if special:
        refuse_categories("CatBoost", [names[place] for place in sorted(special)], "and has no ONNX form for them")


def hist_categories(model: Any) -> dict[int, list[Any]]:
    """By position of its column, the categories of a fitted HistGradientBoosting model."""
    encoder = model._preprocessor.named_transformers_["encoder"]
    places = np.flatnonzero(model.is_categorical_)
    return {
        int(place): [one for one in values if isinstance(one, str) or not pd.isna(one)]
        for place, values in zip(places, encoder.categories_, strict=True)
    }


def with_codes(model: Any) -> Any:
    """HistGradientBoosting with categories among the columns of a matrix, behind a step that makes codes of them."""
    categories = hist_categories(model)
    width = len(model.is_categorical_)
    order = sorted(range(width), key=lambda place: place not in categories)
    return Pipeline([("codes", MatrixCodes(order, categories)), ("model", model)])


def noted_categories(model: Any) -> Mapping[str, tuple[Any, ...]]:
    """The categories of columns that the model itself notes, where there are no rows."""
    library = type(model).__module__.split(".")[0]
    if getattr(model, "is_categorical_", None) is not None:
        names = getattr(model, "feature_names_in_", [f"x{place}" for place in range(len(model.is_categorical_))])
        return {names[place]: checked_categories(names[place], one) for place, one in hist_categories(model).items()}
    if library == "lightgbm":
        return lightgbm_native(model.booster_).categories
    return xgboost_native(model).categories if library == "xgboost" else {}
