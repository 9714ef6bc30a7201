"""Small frames and targets on which every kind of model is fitted, and rows that it hasn't seen.

Shapes: N = FITTED + HELD rows; the first FITTED are for fitting.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

FITTED, HELD = 240, 200
N = FITTED + HELD
WORDS = ["parcel", "late", "money", "thanks", "please", "again", "never", "great", "order", "lost"]

_random = np.random.default_rng(7)


def _texts() -> list[str]:
    return [" ".join(_random.choice(WORDS, _random.integers(2, 7))) for _ in range(N)]


NUMBERS = pd.DataFrame(
    {
        "width": _random.normal(size=N).round(3),
        "height": _random.normal(2, 3, size=N).round(3),
        "rooms": _random.integers(0, 9, N),
        "share": _random.random(N).round(3),
    }
)
COUNTS = pd.DataFrame({name: _random.integers(0, 5, N) for name in ("red", "green", "blue", "black")})
COUNTS.iloc[:5] = np.arange(5)[:, None]
GAPS = NUMBERS.assign(rooms=NUMBERS["rooms"].astype("float64")).mask(_random.random(NUMBERS.shape) < 0.1)
FRACTIONS = pd.DataFrame(np.random.default_rng(5).normal(size=(N, 4)), columns=["a", "b", "c", "d"])
FRACTIONS = FRACTIONS.mask(np.random.default_rng(6).random(FRACTIONS.shape) < 0.1)
CITIES = pd.DataFrame(
    {"city": _random.choice(["Kiel", "Ulm", "Jena"], N).astype(object), "kind": _random.choice(["a", "b"], N).astype(object)}
)
MIXED = NUMBERS.assign(city=CITIES["city"])
TEXTS = pd.DataFrame({"text": _texts()}, dtype=object)
WHEN = NUMBERS[["width"]].assign(day=[f"2024-{at % 12 + 1:02}-{at % 28 + 1:02}" for at in range(N)])

_noise = _random.normal(0, 0.3, N)
_signal = (
    NUMBERS["width"] + 0.4 * NUMBERS["height"] - 0.2 * NUMBERS["rooms"] + 0.5 * COUNTS["red"]
    + (CITIES["city"] == "Ulm") + TEXTS["text"].str.contains("late") + _noise
)  # fmt: skip
VALUE = _signal.to_numpy()
POSITIVE = np.exp(0.5 * VALUE)
SHARES = 1 / (1 + np.exp(-VALUE))
YES_NO = np.where(VALUE > np.median(VALUE), "yes", "no").astype(object)
THREE = np.digitize(VALUE, np.quantile(VALUE, [1 / 3, 2 / 3]))
PAIR = np.c_[VALUE, VALUE**2]
LABELS = np.c_[VALUE > 1, VALUE > 2].astype(int)
RELEVANCE = np.digitize(VALUE, np.quantile(VALUE, [0.5, 0.8]))
