"""ONNX forms of what skl2onnx lacks or gets wrong. Each gives the library's answers, computed in float64."""

from __future__ import annotations

from servemodel.converters import (
    calibrated, clusters, forests, functions, maps, meta, neighbours, patches, several, sparse, splines, targets, thresholds,
)  # fmt: skip


def register() -> None:
    for module in (
        forests, functions, meta, targets, calibrated, thresholds, maps, patches, sparse, several, clusters, splines, neighbours,
    ):  # fmt: skip
        module.register()
