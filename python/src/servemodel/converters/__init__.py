"""ONNX forms of what skl2onnx lacks or gets wrong. Each gives the library's answers, computed in float64."""

from __future__ import annotations

from servemodel.converters import calibrated, forests, functions, maps, meta, patches, sparse, targets, thresholds


def register() -> None:
    for module in (forests, functions, meta, targets, calibrated, thresholds, maps, patches, sparse):
        module.register()
