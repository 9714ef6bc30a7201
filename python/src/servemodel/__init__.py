"""From a fitted model to a folder that servemodel serves, and from a frame to its answers.

    servemodel.export(model, frame, "models/churn/1", target="churned")
    servemodel.load_answers("http://localhost:5000", frame)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servemodel.errors import AnswerError, ExportError

if TYPE_CHECKING:
    from servemodel.client import load_answers
    from servemodel.exporting import export_model as export
    from servemodel.result import Export

__all__ = ["AnswerError", "Export", "ExportError", "export", "load_answers"]

_PLACES = {"export": ("exporting", "export_model"), "Export": ("result", "Export"), "load_answers": ("client", "load_answers")}


def __getattr__(name: str) -> Any:
    """Imported at first use: the client needs no scikit-learn, and a command's --help nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'servemodel' has no attribute {name!r}")
    from importlib import import_module

    module, member = _PLACES[name]
    return getattr(import_module(f"servemodel.{module}"), member)
