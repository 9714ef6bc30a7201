"""The files of a version folder as bytes, and writing them: all of them or none."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from servemodel.errors import ExportError

SIGNIFICANT_DIGITS = 12
PRIVATE = re.compile("[\ue000-\uf8ff]")


def significant(value: Any) -> Any:
    """A number, or lists of numbers, with the digits that every processor computes alike.

    float64 has 15 to 17. The last ones depend on the vector units of the processor, which round logarithms and sums
    differently. Golden values are compared within 1e-6, so no check needs them.
    """
    return [significant(one) for one in value] if isinstance(value, list) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def to_json(value: Any) -> str:
    """One line of JSON that every parser accepts (NaN is refused). Code points for private use, which no font has, are escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return PRIVATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def to_json_document(members: Mapping[str, Any], listed: Iterable[str]) -> bytes:
    """A JSON object with one member a line; the members in `listed` get one line per element."""
    lines = []
    for key, value in members.items():
        text = to_json(value)
        if key in listed:
            text = "[\n" + ",\n".join(f"    {to_json(element)}" for element in value) + "\n  ]"
        lines.append(f"  {to_json(key)}: {text}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def creation_date() -> str:
    """Today in UTC, or the day of SOURCE_DATE_EPOCH (seconds since 1970), for reproducible builds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        seconds = time.time() if epoch is None else int(epoch)
        return datetime.fromtimestamp(seconds, tz=UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise ExportError("SOURCE_DATE_EPOCH is not a number of seconds since 1970") from None


def write_all(files: Mapping[Path, bytes | Sequence[bytes]]) -> None:
    """Write all files, as a whole or in pieces, or, when one can't be written, none; a reader never sees half a file."""
    waiting: dict[Path, Path] = {}
    try:
        for destination, content in files.items():
            destination.parent.mkdir(parents=True, exist_ok=True)
            # In the same folder, because a rename is atomic only within one file system.
            folder = Path(tempfile.mkdtemp(prefix=".export-", dir=destination.parent))
            waiting[destination] = folder / destination.name
            with waiting[destination].open("wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
        for destination, temporary in waiting.items():
            os.replace(temporary, destination)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)
            temporary.parent.rmdir()
