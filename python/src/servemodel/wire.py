"""ONNX's wire form, for lists of attributes that are too long for Python's objects.

A list's elements stand one after another, each behind the tag of its field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

# Numbers of fields: onnx.proto.
GRAPH, NODE, NODE_NAME, ATTRIBUTE, ATTRIBUTE_NAME = 7, 1, 3, 5, 1
FLOATS, INTS, STRINGS = 7, 8, 9
ELEMENTS = (FLOATS, INTS, STRINGS)
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MOST_BYTES = 5
"""Of a whole number below 2^35."""

Lists = Mapping[str, Sequence[bytes]]
"""The elements of a node's lists, in pieces, by the attribute's name."""


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def ints(values: np.ndarray) -> bytes:
    """The elements of a list of whole numbers [N] from 0 to 2^35."""
    values = np.asarray(values, dtype="int64")
    table = np.empty((len(values), 1 + MOST_BYTES), dtype="uint8")
    used = np.ones(table.shape, dtype=bool)
    table[:, 0] = INTS << 3 | VARINT
    for at in range(MOST_BYTES):
        rest = values >> 7 * (at + 1)
        table[:, 1 + at] = (values >> 7 * at & 127) | np.where(rest > 0, 128, 0)
        if at > 0:
            used[:, 1 + at] = values >> 7 * at > 0
    return table[used].tobytes()


def floats(values: np.ndarray) -> bytes:
    """The elements of a list of numbers [N]."""
    table = np.empty((len(values), 5), dtype="uint8")
    table[:, 0] = FLOATS << 3 | FIXED32
    table[:, 1:] = np.ascontiguousarray(values, dtype="<f4").view("uint8").reshape(-1, 4)
    return table.tobytes()


def read_floats(elements: bytes) -> np.ndarray:
    """The numbers [N] in a list's elements."""
    table = np.frombuffer(elements, dtype="uint8").reshape(-1, 5)
    return np.ascontiguousarray(table[:, 1:]).view("<f4").reshape(-1)


def choices(first: bytes, second: bytes, takes_second: np.ndarray) -> bytes:
    """The elements of a list of texts [N], each one of two short ones."""
    known = [bytes([STRINGS << 3 | BYTES, len(text)]) + text for text in (first, second)]
    return b"".join(map(known.__getitem__, takes_second.tolist()))


class _Field(NamedTuple):
    number: int
    start: int
    content: int  # where it begins
    end: int


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def _fields(data: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(data):
        start = at
        tag, content = _read_varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            at = _read_varint(data, content)[1]
        elif kind == BYTES:
            length, content = _read_varint(data, content)
            at = content + length
        else:
            at = content + {FIXED64: 8, FIXED32: 4}[kind]
        yield _Field(tag >> 3, start, content, at)


def _text(message: memoryview, number: int) -> str:
    return next((bytes(message[field.content : field.end]).decode() for field in _fields(message) if field.number == number), "")


def _rewritten(message: memoryview, number: int, change: Callable[[memoryview], list[bytes] | None]) -> list[bytes]:
    """The message in pieces, with what `change` makes of its messages of a field; None leaves one as it is."""
    pieces: list[bytes] = []
    for field in _fields(message):
        changed = change(message[field.content : field.end]) if field.number == number else None
        if changed is None:
            pieces.append(bytes(message[field.start : field.end]))
        else:
            pieces += [bytes([number << 3 | BYTES]), _varint(sum(map(len, changed))), *changed]
    return pieces


def with_lists(model: bytes, lists: Mapping[str, Lists]) -> list[bytes]:
    """A model in pieces, with other elements in lists of some of its nodes.

    lists: by the node's name. Each of these attributes has one element at least in the model, which marks the place.
    """

    def attribute(message: memoryview, own: Lists) -> list[bytes] | None:
        name = _text(message, ATTRIBUTE_NAME)
        if name not in own:
            return None
        pieces: list[bytes] = []
        placed = False
        for field in _fields(message):
            if field.number not in ELEMENTS:
                pieces.append(bytes(message[field.start : field.end]))
            elif not placed:
                pieces += own[name]
                placed = True
        return pieces

    def node(message: memoryview) -> list[bytes] | None:
        own = lists.get(_text(message, NODE_NAME))
        return None if own is None else _rewritten(message, ATTRIBUTE, lambda found: attribute(found, own))

    return _rewritten(memoryview(model), GRAPH, lambda graph: _rewritten(graph, NODE, node))
