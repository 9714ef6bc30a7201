"""MLflow's MLmodel file, read without a YAML package: nested keys with scalar values, as MLflow writes them.

Standard library only: it runs before an environment exists.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(r"""( *)([A-Za-z_][\w.-]*):(?: +(.*)|)$""")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/", "0": "\0", "r": "\r", " ": " "}


def _unquoted(text: str) -> str | None:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        escape = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")
        return escape.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else _ESCAPES.get(m[3], m[3]), text[1:-1])
    return None if text in ("", "null", "~") else text


def _is_open(text: str) -> bool:
    """Whether a quoted scalar ends on a later line."""
    if text.startswith("'"):
        return len(text) < 2 or not text.endswith("'") or (len(text[1:]) - len(text[1:].rstrip("'"))) % 2 == 0
    if text.startswith('"'):
        body = text[1:]
        return not body.endswith('"') or (len(body[:-1]) - len(body[:-1].rstrip("\\"))) % 2 == 1
    return False


def parse(text: str) -> dict[str, Any]:
    """The keys of an MLmodel file; lists are left out."""
    root: dict[str, Any] = {}
    stack: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    lines = iter(text.splitlines())
    for line in lines:
        found = _KEY.match(line)
        if found is None:
            continue
        indent, key, value = len(found[1]), found[2], (found[3] or "").strip()
        while stack[-1][0] >= indent:
            stack.pop()
        if value == "":
            inner: dict[str, Any] = {}
            stack[-1][1][key] = inner
            stack.append((indent, inner))
            continue
        # A quoted text goes on over lines: a line break is a space, an escaped one nothing, an empty line a break.
        while _is_open(value):
            following = next(lines, None)
            if following is None:
                break
            part = following.strip()
            if part == "":
                value += "\n"
            elif value.endswith("\\") and value.startswith('"'):
                value = value[:-1] + part
            else:
                value += part if value.endswith("\n") else f" {part}"
        stack[-1][1][key] = _unquoted(value)
    return root


def columns(members: dict[str, Any], side: str = "inputs") -> list[dict[str, Any]] | None:
    """The columns of the signature, each with type and name; None for a model without one, or with a tensor's."""
    signature = members.get("signature") or {}
    text = signature.get(side) if isinstance(signature, dict) else None
    if not isinstance(text, str):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    plain = isinstance(found, list) and all(isinstance(one, dict) and one.get("type") != "tensor" for one in found)
    return found if plain and all("name" in one for one in found) else None
