"""Rows that clients may send and training never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from exporter.signature import Column

NASTY_TEXTS = [
    "",
    " ",
    "a",
    "!?…—«»",
    "İİ",
    "naïve Café crème – 100% ÜBER",
    "e\u0301t\u00e9 ETE\u0301 E\u0301T\u00c9",
    "don't, can’t; rock'n'roll/and(or)[both]_snake_case 3.14 x²",
    "ПРИВЕТ мир Ελληνικά 日本語 한국어 עברית ١٢٣",
    "tab\tnewline\nreturn\rnbsp\u00a0zero\u200bwidth\u2028line 😀👍🏽",
    "İstanbul DİYARBAKIR xİy ſtraße STRASSE K K",
    "word " * 5000,
    "x" * 50_000,
]
"""Empty, punctuation, accents composed and not, other scripts, odd spaces, letters with odd lower case, long ones."""
UNKNOWN_CATEGORIES = ["", "unknown \u2026", "nan"]


def edge_values(column: Column, values: pd.Series) -> list[Any]:
    """Values that a client may send for a column, without the missing one."""
    if column.type == "boolean":
        return [True, False]
    if column.is_text:
        if column.categories is None:
            # Real texts too: in capitals, joined without spaces, with an additional word, and with repeated words.
            real = [str(text) for text in values.iloc[:: max(1, len(values) // 20)]]
            return [
                *NASTY_TEXTS,
                *(text.upper() for text in real),
                *(text.replace(" ", "/") for text in real),
                *(text.replace(" ", " the ") for text in real),
                *(f"{text} {text[: len(text) // 2]}" for text in real),
            ]
        padded = [f" {category}" for category in column.categories[:2]]
        return [*column.categories[:200], *UNKNOWN_CATEGORIES, *(p for p in padded if p not in column.categories)]
    low, high = column.range or (0, 1)
    width = max(1, int(high - low))
    whole = [0, int(low) - 1, int(high) + 1, int(low) - 10 * width, int(high) + 10 * width]
    return whole if column.type == "integer" else [*whole, float(np.float32((low + high) / 2)), low, high]


def edge_frame(columns: list[Column], frame: pd.DataFrame, stride: int = 37) -> pd.DataFrame:
    """[M, F] rows of the frame, each with one cell replaced; then, for columns that may be missing, without it."""
    rows: list[dict[str, Any]] = []
    base = frame.reset_index(drop=True)

    def add(changes: dict[str, Any]) -> None:
        # A stride through the real rows, so that edge rows have low and high answers.
        rows.append({**base.iloc[(len(rows) * stride) % len(base)].to_dict(), **changes})

    for column in columns:
        for value in edge_values(column, frame[column.name]):
            add({column.name: value})
    missing = {column.name: None for column in columns if column.nullable}
    for name in missing:
        for _ in range(3):
            add({name: None})
    if missing:
        add(missing)
    return typed(pd.DataFrame(rows, columns=list(frame.columns)), columns)


def typed(frame: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """The frame with numbers as float64 (missing: NaN), booleans as bool, texts as objects."""
    kinds = {"string": object, "boolean": bool, "number": "float64", "integer": "float64"}
    return frame.astype({column.name: kinds[column.type] for column in columns})
