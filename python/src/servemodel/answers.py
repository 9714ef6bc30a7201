"""What a model answers: the form of a row's answer, and the training library's own answers.

Shapes: N rows, L labels of a row, k numbers of a row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from servemodel.errors import ExportError
from servemodel.signature import JSON_INTEGERS, fitted_names, reads_one_text
from servemodel.walk import final_step

Label = str | int | float | bool

MOST_VALUES = 10_000
"""Of a row's answer: as models/model.schema.json has it."""


@dataclass(frozen=True)
class Answers:
    """Labels as texts [N, L], and numbers [N, k]: values, probabilities, a score or distances; either may be none."""

    labels: np.ndarray
    numbers: np.ndarray
    clear: np.ndarray | None = None  # [N]: how far the labels are from others, where that is known
    absolute: bool = False  # the numbers are probabilities, whose differences don't depend on their size

    @property
    def predictions(self) -> np.ndarray:
        """The labels, or the values where there are none: [N], or [N, L] of several."""
        table = self.labels if self.labels.shape[1] else self.numbers
        return table[:, 0] if table.shape[1] == 1 else table


@dataclass(frozen=True)
class Form:
    """What a row is answered with, as model.json describes it."""

    task: str
    classes: tuple[tuple[Label, ...], ...] = ()  # of each label, as they are named
    names: tuple[str, ...] = ()  # of several values or labels
    numbers: str | None = None  # what stands beside the labels: probabilities, score or distances

    @property
    def of_labels(self) -> bool:
        return len(self.classes) > 0

    def outputs(self, names: Sequence[str]) -> dict[str, Any]:
        """The member of model.json, given the graph's outputs."""
        beside = {} if self.numbers is None else {self.numbers: names[1]}
        if self.names:
            classes: list[dict[str, Any]] = [{"classes": list(one)} for one in self.classes] or [{}] * len(self.names)
            values = [{"name": name, "onnx": names[0], **one} for name, one in zip(self.names, classes, strict=True)]
            return {"values": values, **beside}
        if not self.of_labels:
            return {"value": names[0]}
        floats = {"floatClasses": True} if any(isinstance(one, float) for one in self.classes[0]) else {}
        return {"label": names[0], **beside, "classes": list(self.classes[0]), **floats}


def label_text(label: Any) -> str:
    """A label in one spelling, whether the library gives it or the graph: True, 1 and 1.0 are all "1"."""
    return label if isinstance(label, str) else str(int(label))


def class_names(classes: Sequence[Any], names: list[str] | None = None) -> tuple[Label, ...]:
    """The classes in the order of the probabilities, as model.json names them."""
    if names is not None:
        if any(isinstance(value, str) for value in classes):
            own = ", ".join(map(repr, map(str, classes[:5]))) + (", …" if len(classes) > 5 else "")
            raise ExportError(f"names for classes are for a model that numbers them; this one's are texts: {own}")
        if len(names) != len(classes):
            raise ExportError(f"{len(names)} class names for the {len(classes)} classes of the model")
        return tuple(names)
    if all(isinstance(value, str) for value in classes):
        return tuple(str(value) for value in classes)
    if all(isinstance(value, (bool, np.bool_)) for value in classes):
        return tuple(bool(value) for value in classes)
    if all(float(value).is_integer() for value in classes):
        large = [int(value) for value in classes if abs(int(value)) > JSON_INTEGERS]
        if large:
            raise ExportError(f"class {large[0]} is beyond 2^53 - 1, so JSON can't carry it; name the classes with --classes")
        # A float stays one: 1.0 is written so.
        return tuple(float(value) if isinstance(value, (float, np.floating)) else int(value) for value in classes)
    raise ExportError("the model's classes are neither texts nor whole numbers; name them with --classes")


def library_input(model: Any, frame: pd.DataFrame) -> Any:
    """The rows in the form in which the model was fitted."""
    if reads_one_text(model):
        return frame.iloc[:, 0]
    return frame.to_numpy() if fitted_names(model) is None else frame


def own_classes(model: Any, labels: int) -> list[np.ndarray]:
    """The classes of each label [N, L] of a classifier, as it numbers or names them."""
    classes = model.classes_
    if isinstance(classes, list):
        return [np.asarray(one) for one in classes]
    # Of several labels that are 0 or 1, it holds their numbers.
    return [np.asarray(classes)] if labels == 1 else [np.arange(2)] * labels


def _table(values: Any) -> np.ndarray:
    array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    return array.reshape(len(array), -1)


def _no_numbers(rows: int) -> np.ndarray:
    return np.empty((rows, 0))


def _no_labels(rows: int) -> np.ndarray:
    return np.empty((rows, 0), dtype=object)


def _lead(table: np.ndarray) -> np.ndarray:
    """[N] how far the largest of each row [N, k > 1] is from the next."""
    best = np.sort(table, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


def _from_zero(scores: np.ndarray) -> np.ndarray:
    """[N] how far scores are from the border 0, in parts of what is usual."""
    sizes = np.abs(scores)
    usual = float(np.median(sizes[np.isfinite(sizes)])) if np.isfinite(sizes).any() else 0.0
    return sizes / (usual or 1.0)


def _margin(model: Any, rows: Any, labels: int) -> np.ndarray | None:
    """[N] how clear the labels of a classifier without probabilities are."""
    if not hasattr(model, "decision_function"):
        return None
    scores = np.asarray(model.decision_function(rows), dtype="float64")
    if scores.ndim == 1:
        return _from_zero(scores)
    return _lead(scores) if labels == 1 else _from_zero(scores).min(axis=1)


def _texts(predicted: np.ndarray, own: Sequence[np.ndarray], form: Form) -> np.ndarray:
    """Labels [N, L] as the names of their classes."""
    columns = []
    for at, (classes, names) in enumerate(zip(own, form.classes, strict=True)):
        column = predicted[:, at]
        column = column.astype(classes.dtype) if column.dtype.kind != classes.dtype.kind else column
        columns.append(np.array([label_text(name) for name in names], dtype=object)[np.searchsorted(classes, column)])
    return np.stack(columns, axis=1)


def _probabilities(model: Any, rows: Any, labels: int) -> tuple[np.ndarray | None, np.ndarray]:
    """Probabilities [N, k] as they are answered, if they are, and how clear the labels are [N]."""
    found = model.predict_proba(rows)
    if isinstance(found, list):
        tables = [np.asarray(one, dtype="float64") for one in found]
        # A label that had one class in training has no other.
        clear = np.min([_lead(one) if one.shape[1] > 1 else np.ones(len(one)) for one in tables], axis=0)
        if all(one.shape[1] == 2 for one in tables):
            return np.stack([one[:, 1] for one in tables], axis=1), clear
        return None, clear
    table = np.asarray(found, dtype="float64")
    return table, _lead(table) if labels == 1 else np.abs(2 * table - 1).min(axis=1)


def _classified(model: Any, rows: Any, form: Form) -> Answers:
    predicted = _table(model.predict(rows))
    own = own_classes(model, predicted.shape[1])
    labels = _texts(predicted, own, form)
    if not hasattr(model, "predict_proba"):
        return Answers(labels, _no_numbers(len(labels)), _margin(model, rows, predicted.shape[1]))
    table, clear = _probabilities(model, rows, predicted.shape[1])
    return Answers(labels, _no_numbers(len(labels)) if form.numbers is None or table is None else table, clear, absolute=True)


def library_answers(model: Any, frame: pd.DataFrame, form: Form) -> Answers:
    """The training library's own answers, to the original float64 values."""
    rows = library_input(model, frame)
    if form.task in ("classification", "multilabel-classification"):
        return _mixed(model, rows, form) if not hasattr(model, "classes_") else _classified(model, rows, form)
    if form.task == "outlier-detection":
        score = _table(model.decision_function(rows)).astype("float64")
        return Answers(_texts(_table(model.predict(rows)), [np.array([-1, 1])], form), score, _from_zero(score[:, 0]))
    if form.task == "clustering":
        labels = _texts(_table(model.predict(rows)), [np.array(form.classes[0])], form)
        distances = _table(model.transform(rows)).astype("float64") if form.numbers else _no_numbers(len(frame))
        return Answers(labels, distances, _lead(-distances) if form.numbers and distances.shape[1] > 1 else None)
    found = model.transform(rows) if form.task == "transformation" else model.predict(rows)
    values = _table(found)
    return Answers(_no_labels(len(frame)), _as_floats(values, model))


def _as_floats(values: np.ndarray, model: Any) -> np.ndarray:
    try:
        return values.astype("float64")
    except (TypeError, ValueError):
        raise ExportError(
            f"{type(final_step(model)).__name__} gives texts, and a vector has numbers: export a pipeline that ends in an encoder or in a model"
        ) from None


def _mixed(model: Any, rows: Any, form: Form) -> Answers:
    """A mixture: the component and the probability of each."""
    probabilities = np.asarray(model.predict_proba(rows), dtype="float64")
    labels = _texts(_table(model.predict(rows)), [np.arange(probabilities.shape[1])], form)
    clear = _lead(probabilities) if probabilities.shape[1] > 1 else None
    return Answers(labels, probabilities, clear, absolute=True)


def _value_names(model: Any, width: int, given: Sequence[str], targets: Sequence[str]) -> tuple[str, ...]:
    if given:
        if len(given) != width:
            raise ExportError(f"--outputs has {len(given)} names, and the model gives {width} values a row")
        return tuple(given)
    if len(targets) == width and width > 1:
        return tuple(targets)
    return tuple(f"y_{at}" for at in range(width))


def _feature_names(model: Any, width: int, given: Sequence[str]) -> tuple[str, ...]:
    """The names of a transformer's columns."""
    if not given:
        try:
            names = tuple(str(name) for name in model.get_feature_names_out())
        # Transformers raise errors of any type where one of their steps has no names.
        except Exception:
            names = ()
        if len(names) == width and len(set(names)) == width and all(names):
            return names
        return tuple(f"x_{at}" for at in range(width))
    return _value_names(model, width, given, ())


def _clusters(model: Any) -> Form:
    last = final_step(model)
    centres = getattr(last, "cluster_centers_", None)
    known = getattr(last, "subcluster_labels_", None)
    if known is None:
        known = last.labels_ if centres is None else np.arange(len(centres))
    if len(known) == 0:
        raise ExportError(f"{type(last).__name__} found no cluster, since it didn't converge")
    labels = tuple(int(one) for one in np.unique(known))
    # Distances are to each cluster, which only those have that are one centre each.
    return Form("clustering", (labels,), numbers="distances" if hasattr(model, "transform") and len(labels) == len(known) else None)


def _quantiles(model: Any) -> list[str]:
    """The names of several quantiles that XGBoost was fitted to."""
    last = final_step(model)
    if not type(last).__module__.startswith("xgboost"):
        return []
    objective = json.loads(last.get_booster().save_config())["learner"]["objective"]
    if objective["name"] != "reg:quantileerror":
        return []
    return [f"q{float(level):g}" for level in str(objective["quantile_loss_param"]["quantile_alpha"]).strip("[]").split(",")]


def form_of(
    model: Any,
    some: pd.DataFrame,
    task: str,
    classes: list[str] | None = None,
    names: Sequence[str] = (),
    targets: Sequence[str] = (),
) -> Form:
    """The form of a model's answers, by those to some rows.

    task: of task_of. classes: names for the classes of a model that numbers them. names: for several values.
    """
    if task == "outlier-detection":
        return Form(task, ((-1, 1),), numbers="score")
    if task == "clustering":
        return _clusters(model)
    rows = library_input(model, some)
    answered = _table(model.transform(rows) if task == "transformation" else model.predict(rows))
    width = answered.shape[1]
    if width > MOST_VALUES:
        raise ExportError(f"the model gives {width:,} values a row, and an answer has at most {MOST_VALUES:,}: choose fewer columns, or a decomposition")
    if width > 1 and task != "classification" and type(final_step(model)).__module__.startswith("catboost"):
        raise ExportError("CatBoost has no ONNX form for several values a row: fit scikit-learn's MultiOutputRegressor around it")
    if task == "transformation":
        return Form(task, names=_feature_names(model, width, names))
    if task == "classification":
        return _of_classes(model, width, rows, classes, names, targets)
    if width == 1 or task == "ranking":
        if width > 1:
            raise ExportError(f"a ranking has one value a row, and the model gives {width}")
        return Form(task)
    levels = _quantiles(model)
    if len(levels) == width:
        return Form("quantile-regression", names=_value_names(model, width, names or levels, ()))
    return Form("multioutput-regression", names=_value_names(model, width, names, targets))


def _of_classes(
    model: Any, width: int, rows: Any, classes: list[str] | None, names: Sequence[str], targets: Sequence[str]
) -> Form:
    if not hasattr(model, "classes_"):
        return Form("classification", (class_names(np.arange(model.predict_proba(rows).shape[1]), classes),), numbers="probabilities")
    named = hasattr(model, "predict_proba")
    own = own_classes(model, width)
    if not isinstance(model.classes_, list) and width == 1:
        return Form("classification", (class_names(list(own[0]), classes),), numbers="probabilities" if named else None)
    if classes is not None:
        raise ExportError(f"--classes names the classes of one label, and the model gives {width} labels a row: fit it on texts")
    if len(own) != width:
        raise ExportError(f"the model gives {width} labels a row, and knows the classes of {len(own)}")
    found = [class_names(list(one)) for one in own]
    # A whole number in the answer, for a target of floats too.
    whole = tuple(tuple(int(one) if isinstance(one, float) else one for one in each) for each in found)
    numbers = "probabilities" if named and all(len(one) == 2 for one in whole) else None
    return Form("multilabel-classification", whole, _value_names(model, width, names, targets), numbers)
