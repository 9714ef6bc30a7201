"""The result of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from servemodel.parity import Agreement
from servemodel.signature import Column

Metrics = dict[str, float | int | str]


@dataclass(frozen=True)
class Export:
    """What was written, and how well ONNX Runtime agrees with the training library."""

    folder: Path
    sha256: str
    size: int  # of model.onnx, in bytes
    columns: list[Column]
    agreement: Agreement  # on the frame
    edges: Agreement  # on generated rows
    tolerance: float
    metrics: Metrics
    task: str
    framework: str
    by_position: bool = False  # the model was fitted on a matrix without names
    parts: int = 0  # of large forests, which ONNX Runtime answered one after another; 0: it answered the whole file
