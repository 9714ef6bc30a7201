"""Missing texts: an ONNX string can't be null, so a text that no category has stands for it in the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common._apply_operation import apply_cast, apply_concat
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from servemodel.errors import ExportError

RESERVED = "\ue000missing\ue000"
"""Code points for private use, which data hasn't. It is lengthened until no text of the frame contains it."""


def is_missing(value: Any) -> bool:
    """Whether a cell or a category is None, NaN or pandas' NA."""
    return value is None or value is pd.NA or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))


def reserved_text(texts: Iterable[Any]) -> str:
    """A text that none of these contains."""
    reserved = RESERVED
    suspects = [text for text in texts if isinstance(text, str) and RESERVED[0] in text]
    while any(reserved in text for text in suspects):
        reserved += RESERVED[-1]
    return reserved


def takes(imputer: SimpleImputer, cell: Any) -> bool:
    """Whether an imputer of texts replaces this missing cell: scikit-learn distinguishes None, NaN and pandas' NA."""
    marker = imputer.missing_values
    if marker is pd.NA:
        return True
    return cell is None if marker is None else is_missing(marker) and isinstance(cell, (float, np.floating))


class KnownTexts(SimpleImputer):
    """An imputer of texts in front of an encoder: `known_` are the encoder's categories, by column.

    Its ONNX form is a look-up, which the server takes apart column by column. Texts that the encoder doesn't know become
    the reserved one, which it doesn't know either.
    """


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    imputer = operator.raw_operator
    filled: list[str] = []
    for column, known, fill in zip(_columns(scope, operator, container), imputer.known_, imputer.statistics_, strict=True):
        keys = [*(str(text) for text in known), imputer.missing_values]
        filled.append(scope.get_unique_variable_name("filled"))
        container.add_node(
            "LabelEncoder", [column], [filled[-1]], name=scope.get_unique_operator_name("LabelEncoder"),
            op_domain="ai.onnx.ml", op_version=2, keys_strings=keys, values_strings=[*keys[:-1], str(fill)],
            default_string=imputer.missing_values,
        )  # fmt: skip
    apply_concat(scope, filled, operator.outputs[0].full_name, container, axis=1)


def _columns(scope: Any, operator: Any, container: Any) -> Iterator[str]:
    """Nodes that take the operator's input apart; the names of its columns [N, 1]."""
    for source in operator.inputs:
        width = source.type.shape[1]
        for at in range(width):
            if width == 1:
                yield source.full_name
                continue
            index, column = scope.get_unique_variable_name("index"), scope.get_unique_variable_name("column")
            container.add_initializer(index, TensorProto.INT64, [1], [at])
            gather = scope.get_unique_operator_name("Gather")
            container.add_node("Gather", [source.full_name, index], [column], axis=1, name=gather)
            yield column


class OrdinalTexts(OrdinalEncoder):
    """An OrdinalEncoder of texts with a category for missing cells, which skl2onnx numbers as any other."""


def _convert_ordinal(scope: Any, operator: Any, container: Any) -> None:
    encoder = operator.raw_operator
    codes: list[str] = []
    mappings = getattr(encoder, "_default_to_infrequent_mappings", None) if encoder._infrequent_enabled else None
    columns = _columns(scope, operator, container)
    for at, (column, categories) in enumerate(zip(columns, encoder.categories_, strict=True)):
        known = list(range(len(categories)))
        if mappings is not None and mappings[at] is not None:
            known = [*mappings[at], *known[len(mappings[at]) :]]
        values = [
            float(encoder.encoded_missing_value if text == encoder.reserved_ else code)
            for text, code in zip(categories, known, strict=False)
        ]
        codes.append(scope.get_unique_variable_name("codes"))
        container.add_node(
            "LabelEncoder", [column], [codes[-1]], name=scope.get_unique_operator_name("LabelEncoder"),
            op_domain="ai.onnx.ml", op_version=2, keys_strings=[str(text) for text in categories], values_floats=values,
            # One that refuses unknown texts is given none.
            default_float=-1.0 if encoder.unknown_value is None else float(encoder.unknown_value),
        )  # fmt: skip
    joined = scope.get_unique_variable_name("codes")
    apply_concat(scope, codes, joined, container, axis=1)
    whole = not np.issubdtype(encoder.dtype, np.floating)
    apply_cast(scope, joined, operator.outputs[0].full_name, container, to=TensorProto.INT64 if whole else TensorProto.FLOAT)


def _ordinal_shapes(operator: Any) -> None:
    kind = FloatTensorType if np.issubdtype(operator.raw_operator.dtype, np.floating) else Int64TensorType
    operator.outputs[0].type = kind([None, len(operator.raw_operator.categories_)])


def _with_reserved(categories: list[np.ndarray], reserved: str) -> list[np.ndarray]:
    return [
        np.array([reserved if is_missing(value) else value for value in values], dtype=object)
        if any(isinstance(value, str) for value in values)
        else values
        for values in categories
    ]


def mark_missing(steps: Iterable[BaseEstimator], reserved: str, cells: list[Any]) -> None:
    """Change fitted imputers and encoders of texts, so that they take this text as they took these missing cells.

    Raises ExportError for an imputer that leaves some of the cells as they are.
    """
    pipelines: list[Pipeline] = []
    for step in steps:
        if isinstance(step, SimpleImputer) and is_missing(step.missing_values) and step.statistics_.dtype.kind in "OU":
            left = [cell for cell in cells if not takes(step, cell)]
            if left:
                raise ExportError(
                    f"SimpleImputer(missing_values={step.missing_values}) leaves missing cells that are {left[0]}: fit it on "
                    "frame.astype(object).where(frame.notna(), np.nan), where all are NaN"
                )
            step.missing_values = reserved
        elif isinstance(step, Pipeline):
            pipelines.append(step)
        elif hasattr(step, "categories_"):
            before, step.categories_ = step.categories_, _with_reserved(step.categories_, reserved)
            changed = any(was is not now and reserved in now for was, now in zip(before, step.categories_, strict=True))
            if changed and type(step) is OrdinalEncoder:
                if not all(isinstance(value, str) for values in step.categories_ for value in values):
                    raise ExportError("an OrdinalEncoder with columns of texts and of numbers: give each kind its own")
                step.reserved_ = reserved
                step.__class__ = OrdinalTexts
    for pipeline in pipelines:
        look_up_known(pipeline)


def look_up_known(pipeline: Pipeline) -> None:
    """Change imputers of texts that stand in front of an encoder in a copied pipeline, so that they look texts up."""
    steps = [step for _, step in pipeline.steps]
    for imputer, encoder in pairwise(steps):
        categories = getattr(encoder, "categories_", ())
        texts = all(isinstance(value, str) for values in categories for value in values)
        if type(imputer) is SimpleImputer and isinstance(imputer.missing_values, str) and texts:
            if len(imputer.statistics_) == len(categories):
                imputer.__class__, imputer.known_ = KnownTexts, categories


def _imputer_shapes(operator: Any) -> None:
    operator.outputs[0].type = StringTensorType([None, len(operator.raw_operator.statistics_)])


update_registered_converter(KnownTexts, "ServemodelKnownTexts", _imputer_shapes, _convert_imputer)
update_registered_converter(OrdinalTexts, "ServemodelOrdinalTexts", _ordinal_shapes, _convert_ordinal)
