"""Whether two trainings gave the same model: what must be equal exactly, and what within a tolerance.

The vector units of processors round logarithms, exponentials and sums differently in the last bit. The same packages
therefore fit the same model on each of them, but not the same bytes: trees, words, classes, shapes and rows are
compared exactly, fitted numbers within the tolerances below. On one machine the bytes are the same, too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import numpy_helper


@dataclass(frozen=True)
class Tolerance:
    relative: float
    absolute: float  # for what is 0 but for rounding

    def holds(self, new: Any, old: Any) -> bool:
        return bool(np.allclose(new, old, rtol=self.relative, atol=self.absolute, equal_nan=True))


FLOAT32 = Tolerance(1e-6, 1e-9)
"""Numbers of a graph, metrics, and what ONNX Runtime computes: a unit in the last place is up to 1.2e-7, and a few are
allowed."""
GOLDEN = Tolerance(1.01e-11, 1e-12)
"""Golden answers, float64 with 12 significant digits (documents.significant): a unit of the last digit is up to 1e-11 of
the value, and a value on the edge between two of them may move by one."""

NOISE = re.compile(r"\d\.\de-\d\d")
"""A card states the largest difference between ONNX Runtime and the library: nothing but last bits."""


def json_differences(new: Any, old: Any, tolerance: Tolerance, where: str = "") -> Iterator[str]:
    """Where two JSON values differ: fractions by more than the tolerance, all else at all."""
    if isinstance(new, dict) and isinstance(old, dict) and list(new) == list(old):
        for key in new:
            yield from json_differences(new[key], old[key], tolerance, f"{where}/{key}")
    elif isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for at, pair in enumerate(zip(new, old, strict=True)):
            yield from json_differences(*pair, tolerance, f"{where}/{at}")
    elif {type(new), type(old)} in ({float}, {float, int}):
        if not tolerance.holds(new, old):
            yield f"{where}: {new!r}, not {old!r}"
    elif type(new) is not type(old) or new != old:
        yield f"{where}: {str(new)[:80]}, not {str(old)[:80]}"


def graph_differences(new: Message, old: Message, where: str = "") -> Iterator[str]:
    """Where two graphs differ: floats by more than the tolerance, all else at all."""
    if isinstance(new, onnx.TensorProto):
        arrays = [numpy_helper.to_array(tensor) for tensor in (new, old)]
        heads = [(tensor.name, array.dtype, array.shape) for tensor, array in zip((new, old), arrays, strict=True)]
        same = FLOAT32.holds if arrays[0].dtype.kind == "f" else np.array_equal
        if heads[0] != heads[1] or not same(*arrays):
            yield f"{where}: tensor {new.name}"
        return
    fields = [{field.name: value for field, value in message.ListFields()} for message in (new, old)]
    if list(fields[0]) != list(fields[1]):
        yield f"{where}: {', '.join(fields[0])}, not {', '.join(fields[1])}"
        return
    for name in fields[0]:
        items = [_items(side[name]) for side in fields]
        at = f"{where}/{name}"
        if len(items[0]) != len(items[1]):
            yield f"{at}: {len(items[0])} entries, not {len(items[1])}"
        elif isinstance(items[0][0], Message):
            for number, pair in enumerate(zip(*items, strict=True)):
                yield from graph_differences(*pair, f"{at}/{number}")
        elif not (FLOAT32.holds(*items) if isinstance(items[0][0], float) else items[0] == items[1]):
            yield at


def _items(value: Any) -> list[Any]:
    return [value] if isinstance(value, (str, bytes, int, float, Message)) else list(value)


def _model_json_differences(new: Path, old: Path) -> Iterator[str]:
    members = []
    for folder in (new, old):
        content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        # Each names its own file, whose bytes may differ.
        if content.pop("sha256") != hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest():
            yield f"model.json/sha256: not that of {folder / 'model.onnx'}"
        del content["created"]
        members.append(content)
    # Ranges, bins and shares of the inputs depend on the data alone, not on the fit.
    if members[0]["inputs"] != members[1]["inputs"]:
        yield "model.json/inputs"
    yield from json_differences(*members, FLOAT32, "model.json")


def differences(new: Path, old: Path) -> list[str]:
    """The differences between two version folders; empty if they hold the same model."""
    graphs = [onnx.load(folder / "model.onnx") for folder in (new, old)]
    goldens = [json.loads((folder / "golden.json").read_text(encoding="utf-8")) for folder in (new, old)]
    found = [
        *graph_differences(*graphs, "model.onnx"),
        *json_differences(*goldens, GOLDEN, "golden.json"),
        *_model_json_differences(new, old),
    ]
    # The data are requests, of which every digit counts.
    if goldens[0]["data"] != goldens[1]["data"]:
        found.append("golden.json/data")
    cards = [
        NOISE.sub("", path.read_text(encoding="utf-8"))
        for path in (folder / "CARD.md" for folder in (new, old))
        if path.exists()
    ]
    if len(cards) == 2 and cards[0] != cards[1]:
        found.append("CARD.md")
    return found
