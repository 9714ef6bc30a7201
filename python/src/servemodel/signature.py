"""The columns of a data frame as the server's signature describes them."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline

from servemodel.errors import ExportError
from servemodel.missing_texts import is_missing, reserved_text
from servemodel.native import Native
from servemodel.refusals import refuse_own


FLOAT_INTEGERS = 2**24
"""Up to here float32 holds every whole number; beyond, neighbours fall together."""
JSON_INTEGERS = 2**53 - 1
"""The largest whole number that JSON's readers distinguish from its neighbours."""


@dataclass(frozen=True)
class Column:
    """A column: how a client names it, and what it may hold."""

    name: str
    type: str  # string, number, integer or boolean
    nullable: bool = False
    categories: tuple[str, ...] | None = None
    range: tuple[float, float] | None = None
    looked_up: tuple[float, ...] | None = None  # numbers that an encoder knows: its categories
    is_fine: bool = False  # fractions whose neighbours float32 takes for one another, see has_fine_fractions
    tensor: str = "float"  # of a number in the graph: float, double or int64
    missing: str | None = None  # of a text: stands for a missing cell in the graph
    missing_cell: Any = None  # as the library takes it: None, NaN or pandas' NA
    closed: bool = False  # the library refuses other texts than the categories
    native: tuple[Any, ...] | None = None  # categories that the model itself knows, in the order of their codes

    @property
    def is_text(self) -> bool:
        return self.type == "string"

    @property
    def is_large(self) -> bool:
        """Whether it holds numbers beyond the whole ones that float32 distinguishes."""
        return any(abs(number) > FLOAT_INTEGERS for number in (*(self.range or ()), *(self.looked_up or ())))

    def entry(self, onnx: str, example: Any = None) -> dict[str, Any]:
        """As it stands in model.json, with the ONNX input that it feeds."""
        entry: dict[str, Any] = {"name": self.name, "onnx": onnx, "type": self.type, "nullable": self.nullable}
        if self.nullable and self.missing is not None:
            entry["missing"] = self.missing
        if self.categories is not None:
            entry["categories"] = list(self.categories)
        if self.closed:
            entry["closed"] = True
        if self.range is not None:
            entry["range"] = list(self.range)
        if example is not None:
            entry["example"] = example
        return entry


def first_step(model: Any) -> Any:
    """The transformer that takes the raw columns, or the model itself."""
    if not isinstance(model, Pipeline):
        return model
    steps = [step for _, step in model.steps if step is not None and not isinstance(step, str)]
    return first_step(steps[0]) if steps else model


def reads_one_text(model: Any) -> bool:
    """Whether the model takes a list of texts rather than a table."""
    return isinstance(first_step(model), (CountVectorizer, HashingVectorizer))


def fitted_names(model: Any) -> list[str] | None:
    """The names of the columns that the model was fitted on, in their order; None after a matrix without names."""
    names = getattr(model, "feature_names_in_", None)
    if type(model).__module__.startswith("catboost"):
        # CatBoost numbers the columns of a matrix.
        own = list(model.feature_names_)
        return None if own == [str(at) for at in range(len(own))] else own
    if names is None:
        # Of a booster from LightGBM's file, only that attribute has them.
        names = getattr(first_step(model), "feature_names_in_", getattr(first_step(model), "feature_name_", None))
    # LightGBM makes up names for a matrix.
    if names is None or all(str(name) == f"Column_{at}" for at, name in enumerate(names)):
        return None
    return list(names)


def _width(model: Any, unknown: int) -> int:
    """The number of columns that the model was fitted on."""
    if type(model).__module__.startswith("catboost"):
        return len(model.feature_names_)
    return int(getattr(model, "n_features_in_", unknown))


def _spelt(names: list[str], candidates: list[str]) -> list[str]:
    """The names as the frame spells them: LightGBM writes a space as an underscore."""
    spelling = {re.sub(r"\s", "_", name): name for name in candidates}
    if len(spelling) < len(candidates):
        return names
    return [name if name in candidates else spelling.get(name, name) for name in names]


def column_names(model: Any, frame: pd.DataFrame, targets: Sequence[str], chosen: Sequence[str] | None = None) -> list[str]:
    """The columns that the model takes, in its own order.

    chosen: that order, which only its author knows when the model was fitted on a matrix without names.
    Raises ExportError when the frame doesn't have them, or the order isn't known.
    """
    candidates = [str(name) for name in frame.columns if name not in targets]
    known = fitted_names(model)
    if known is None:
        refuse_own(first_step(model))
    if known is not None:
        # A column transformer that was fitted on the whole table has seen the target, but doesn't use it.
        names = [str(name) for name in known if name not in targets]
        if len(names) < len(known) and not isinstance(first_step(model), ColumnTransformer):
            raise ExportError(f"the model takes the column {', '.join(map(str, targets))}, which can't be the target, too")
        if chosen is not None and list(chosen) != names:
            raise ExportError(f"--columns: the model was fitted on {', '.join(names)}, in this order")
    elif chosen is not None:
        names = list(chosen)
        if len(set(names)) < len(names):
            raise ExportError("--columns names a column twice")
    else:
        names = candidates
    names = _spelt(names, candidates)
    missing = [name for name in names if name not in candidates]
    if missing:
        fitted = ", on which the model was fitted" if known is not None else "; see --columns"
        raise ExportError(f"the frame has no column {', '.join(missing)}{fitted}")
    if known is not None:
        return names
    width = 1 if reads_one_text(model) else _width(model, len(names))
    if width != len(names):
        raise ExportError(
            f"the model was fitted on {width} unnamed columns, but {'the frame' if chosen is None else '--columns'} has "
            f"{len(names)}: {', '.join(names)}; name those of the matrix, in its order, with --columns"
        )
    numbered = names == [str(at) for at in range(len(names))]
    if chosen is None and len(names) > 1 and not numbered:
        raise ExportError(
            f"the model was fitted on a matrix without names, so names are taken by position: {', '.join(names)}; confirm "
            f"that this is the order of the matrix, or give that order, with --columns {_listed(names)}"
        )
    return names


def _listed(names: list[str]) -> str:
    """The names as an option of a shell takes them."""
    text = io.StringIO()
    csv.writer(text).writerow(names)
    return shlex.quote(text.getvalue().rstrip())


def _encoders(transformer: Any, columns: list[str]) -> Iterator[tuple[Any, list[str]]]:
    """The fitted encoders that see raw columns, each with those columns."""
    yield from (found for found in _first_steps(transformer, columns) if hasattr(found[0], "categories_"))


def _first_steps(transformer: Any, columns: list[str]) -> Iterator[tuple[Any, list[str]]]:
    """The fitted imputers and encoders that see raw columns, or what imputers made of them, each with those columns."""
    if isinstance(transformer, Pipeline):
        for _, step in transformer.steps:
            yield from _first_steps(step, columns)
            if not _keeps_columns(step, columns):
                break
    elif isinstance(transformer, FeatureUnion):
        for _, inner in transformer.transformer_list:
            yield from _first_steps(inner, columns)
    elif isinstance(transformer, ColumnTransformer):
        for _, inner, chosen in transformer.transformers_:
            if isinstance(inner, str):
                continue
            names = list(np.asarray(columns, dtype=object)[_positions(chosen, columns)])
            yield from _first_steps(inner, names)
    elif isinstance(transformer, SimpleImputer) or hasattr(transformer, "categories_"):
        yield transformer, columns


def _keeps_columns(step: Any, columns: list[str]) -> bool:
    """Whether a step leaves each column in its place, and known values as they are."""
    if step is None or step == "passthrough":
        return True
    # Its indicators of missing cells stand behind the columns.
    return isinstance(step, SimpleImputer) and len(step.statistics_) == len(columns)


def _positions(chosen: Any, columns: list[str]) -> list[int]:
    if isinstance(chosen, slice):
        return list(range(len(columns)))[chosen]
    listed = [chosen] if isinstance(chosen, (str, int)) else list(chosen)
    if listed and all(isinstance(item, (bool, np.bool_)) for item in listed):
        return [index for index, taken in enumerate(listed) if taken]
    missing = [item for item in listed if isinstance(item, str) and item not in columns]
    if missing:
        raise ExportError(f"the model takes the column {', '.join(missing)}, which can't be the target, too")
    return [columns.index(item) if isinstance(item, str) else int(item) for item in listed]


def known_categories(model: Any, columns: list[str]) -> dict[str, tuple[Any, ...]]:
    """The categories that encoders of columns were fitted on: texts, or numbers.

    Raises ExportError for an encoder that refuses unknown numbers: its ONNX form would answer them, or fail the whole
    batch. Unknown texts are refused by the server: see closed_columns.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for encoder, names in _encoders(model, columns):
        if len(names) > len(encoder.categories_):
            continue
        for name, values in zip(names, encoder.categories_, strict=False):
            texts = tuple(value for value in values if not is_missing(value))
            if texts and all(isinstance(value, str) for value in texts):
                found[name] = texts
            elif values.dtype.kind in "iuf":
                numbers = {_plain(value) for value in values[np.isfinite(values)]}
                found[name] = tuple(sorted(numbers.union(found.get(name, ()))))
                if _refuses_unknown(encoder):
                    raise ExportError(
                        f"column {name}: {type(encoder).__name__} refuses unknown numbers, which its ONNX form can't: "
                        "give it texts, or fit it with handle_unknown='ignore' (OneHotEncoder) or "
                        "handle_unknown='use_encoded_value', unknown_value=-1 (OrdinalEncoder)"
                    )
    return found


def _refuses_unknown(encoder: Any) -> bool:
    return getattr(encoder, "handle_unknown", None) == "error"


def closed_columns(model: Any, columns: list[str]) -> set[str]:
    """The columns of which an encoder refuses unknown categories."""
    found = _encoders(model, columns)
    return {name for encoder, names in found if _refuses_unknown(encoder) and len(names) <= len(encoder.categories_) for name in names}


def _plain(value: Any) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def is_whole(values: pd.Series) -> bool:
    """Whether a numeric column has no fraction."""
    return bool(values.dropna().mod(1).eq(0).all())


FINE_STEP = 2e-6
"""Share of a column's width at which a step of float32 decides on answers: one row in some thousand."""


def float32_step(values: pd.Series) -> float:
    """The distance of neighbours in float32 at the largest of these numbers."""
    return float(np.spacing(np.float32(values.abs().max())))


def has_fine_fractions(values: pd.Series) -> bool:
    """Whether a column's fractions are finer than float32 there, and its width isn't large beside its size.

    So are seconds since 1970 with a fraction; hundredths of a year, or prices, aren't.
    """
    present = values.dropna().astype("float64")
    step = float32_step(present)
    decimals = int(np.floor(-np.log10(step)))
    finer = (present - present.round(decimals)).abs().max() > step / 1000
    return not is_whole(present) and step > FINE_STEP * (present.max() - present.min()) and bool(finer)


def describe_native(name: str, values: pd.Series, native: Native) -> Column:
    """Describe a column whose categories the model itself knows."""
    known = native.categories[name]
    if all(isinstance(one, str) for one in known):
        column = describe(name, values.astype(object), known)
        return replace(column, missing_cell=np.nan, native=known, closed=native.closed)
    return Column(name, "integer", range=(min(known), max(known)), looked_up=known, native=known)


def describe(name: str, values: pd.Series, categories: tuple[Any, ...] | None) -> Column:
    """Describe a column by its training data; find_nullable adds whether it may be missing.

    Raises ExportError for a column that no signature can describe.
    """
    if pd.api.types.is_bool_dtype(values) or all(isinstance(value, (bool, np.bool_)) for value in values.dropna()):
        missing = int(values.isna().sum())
        if missing > 0 and missing < len(values):
            raise ExportError(
                f"column {name} has {missing} missing cells, which a boolean can't have: fit the model on numbers, "
                "0 and 1 and missing (frame.astype(float))"
            )
        if missing == 0:
            return Column(name, "boolean")
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        raise ExportError(
            f"column {name} holds dates, which no column can: give the model a number, such as days since 2000, "
            "or a text, such as 2024-01-31"
        )
    if pd.api.types.is_numeric_dtype(values):
        present = values.dropna()
        if present.empty or not np.isfinite(present.astype("float64")).all():
            raise ExportError(f"column {name} has no number, or an infinite one")
        # An encoder of whole numbers knows no fraction, and its ONNX form would cut one off.
        fractions = [number for number in categories or () if number % 1]
        if fractions:
            raise ExportError(
                f"column {name}: an encoder looks up fractions such as {fractions[0]:g}, and its ONNX form takes their "
                "neighbours for them, since it compares in float32: train on whole numbers (tenths, cents) or on texts"
            )
        known_whole = categories is not None
        whole = pd.api.types.is_integer_dtype(values) or (known_whole and is_whole(values))
        if whole and max(abs(int(present.min())), abs(int(present.max()))) > JSON_INTEGERS:
            raise ExportError(
                f"column {name} has whole numbers beyond 2^53 - 1, which JSON can't carry: number them from 0, or "
                "give them to the model as texts"
            )
        kind = "integer" if whole else "number"
        return Column(
            name, kind, range=(_plain(present.min()), _plain(present.max())), looked_up=categories,
            is_fine=has_fine_fractions(present),
        )  # fmt: skip
    if not all(isinstance(value, str) for value in values.dropna()):
        raise ExportError(f"column {name} has cells that are neither text nor missing; make them texts")
    if len(values) > 0 and values.isna().all():
        raise ExportError(f"column {name} has no text: all its cells are missing")
    return Column(name, "string", categories=categories)


def _missing_cells(model: Any, columns: list[str]) -> dict[str, Any]:
    """By column of texts, the missing cell that an imputer or an encoder was fitted to take."""
    found: dict[str, Any] = {}
    for step, names in _first_steps(model, columns):
        if isinstance(step, SimpleImputer):
            texts = step.statistics_.dtype.kind in "OU" and is_missing(step.missing_values)
            found.update(dict.fromkeys(names if texts else [], step.missing_values))
        else:
            pairs = zip(names, step.categories_, strict=False)
            found.update({name: value for name, values in pairs for value in values if is_missing(value)})
    return found


def _with_missing_texts(model: Any, columns: list[Column], frame: pd.DataFrame) -> list[Column]:
    """The columns with the text and the cell for missing ones, where the frame has them or the model was fitted for them."""
    cells = _missing_cells(model, list(frame.columns))
    for column in columns:
        if column.native is not None and column.is_text:
            cells[column.name] = column.missing_cell
            continue
        if column.is_text and frame[column.name].isna().any():
            values = frame[column.name].astype(object)
            cells[column.name] = next(value for value in values if is_missing(value))
    texts = [column.name for column in columns if column.is_text and column.name in cells]
    if not texts:
        return columns
    reserved = reserved_text(
        text for column in columns if column.is_text for text in (*frame[column.name].unique(), *(column.categories or ()))
    )
    return [
        replace(column, missing=reserved, missing_cell=cells[column.name]) if column.name in texts else column
        for column in columns
    ]


def describe_columns(model: Any, frame: pd.DataFrame, integers: list[str], native: Native = Native({})) -> list[Column]:
    """Describe the columns of a frame that has only the model's, in its order."""
    names = list(frame.columns)
    categories = known_categories(model, names)
    columns = [
        describe_native(name, frame[name], native)
        if name in native.categories
        else describe(name, frame[name], categories.get(name))
        for name in names
    ]
    closed = closed_columns(model, names)
    columns = [
        replace(column, closed=True) if column.is_text and column.categories and column.name in closed else column
        for column in columns
    ]
    integers = [*integers, *native.whole]
    columns = _with_missing_texts(model, columns, frame)
    for name in integers:
        if name not in names:
            raise ExportError(f"--integer {name}: there is no such column")
        if not is_whole(frame[name]):
            why = "whose numbers the model takes as categories" if name in native.whole else "--integer"
            raise ExportError(f"column {name}, {why}, has fractions")
    return [replace(column, type="integer") if column.name in integers else column for column in columns]


def tensor_plans(columns: list[Column], frame: pd.DataFrame) -> list[list[Column]]:
    """The columns with the tensors that may feed the graph, the first choice first.

    A whole number passes through float32 only where that holds it, and where the model computes with it rather than
    looks it up. An int64 tensor takes no missing value, and many operators take no double.
    """

    def choices(column: Column) -> list[str]:
        if column.type != "integer" or column.native or not (column.is_large or column.looked_up):
            return ["float"]
        if frame[column.name].isna().any():
            return ["double" if column.is_large else "float"]
        return ["int64", "double" if column.is_large else "float"]

    wanted = [choices(column) for column in columns]
    plans = [
        [replace(column, tensor=tensors[min(at, len(tensors) - 1)]) for column, tensors in zip(columns, wanted, strict=True)]
        for at in range(max(map(len, wanted)))
    ]
    return plans
