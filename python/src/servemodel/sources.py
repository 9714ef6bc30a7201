"""Loads models and frames from files or by import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from servemodel.errors import ExportError
from servemodel.refusals import OWN_WAYS
from servemodel.torch_program import is_module


OTHER_VERSION = "it was probably written by another version of a library: --with scikit-learn==1.7.2, for example"
"""Advice where the file doesn't name the version."""


def not_loaded(source: object, error: BaseException, advice: str = "") -> ExportError:
    """The error for a file that a library doesn't load."""
    reason = " ".join(str(error).split())[:200]
    return ExportError(f"{source} can't be loaded ({type(error).__name__}: {reason}){advice and f': {advice}'}")


def _is_missing(module: str | None) -> bool:
    """Whether a package isn't there, rather than a module that another version of it has."""
    package = (module or "").split(".")[0]
    return not package.startswith("_") and importlib.util.find_spec(package or "_") is None


def load_model(source: str, advice: str = "") -> Any:
    """A fitted model from a joblib or pickle file, or `package.module:name` (a function is called).

    advice: what to do if the file can't be loaded, as far as the caller knows the versions that wrote it.
    """
    # PyTorch's programs are read without these.
    import joblib
    from sklearn.base import BaseEstimator

    path = Path(source)
    if path.exists():
        try:
            return joblib.load(path)
        except ModuleNotFoundError as error:
            if not _is_missing(error.name):
                raise not_loaded(source, error, advice or OTHER_VERSION) from error
            raise ExportError(
                f"{source} needs the package {error.name}, which isn't there: --with {error.name}, or --python with an "
                "environment that has it"
            ) from error
        except AttributeError as error:
            if "__main__" not in str(error):
                raise not_loaded(source, error, advice or OTHER_VERSION) from error
            named = str(error).split("'")[1] if "'" in str(error) else str(error)
            raise ExportError(
                f"{source} needs {named}, which was defined in a notebook or a script: put it into a module and fit again, "
                f"or call servemodel.export there; code of one's own has no ONNX form: {OWN_WAYS}"
            ) from error
        # Unpickling runs code of the file, and that may raise anything.
        except Exception as error:
            raise not_loaded(source, error, advice) from error
    module, colon, name = source.partition(":")
    if not colon:
        raise ExportError(f"there is no file {source}; an importable object is written package.module:name")
    sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ExportError(f"{source} can't be imported: {error}") from None
    is_model = isinstance(found, BaseEstimator) or is_module(found)
    return found() if callable(found) and not is_model else found


def load_frame(path: Path, texts: Sequence[str]) -> pd.DataFrame:
    """The rows of a CSV or parquet file. In CSV "NA" is a text, and an empty cell is missing."""
    if not path.is_file():
        raise ExportError(f"there is no file {path}")
    try:
        if path.name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if path.name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(texts, str))
    except ImportError:
        raise ExportError("reading parquet needs the package pyarrow") from None
    except (ValueError, OSError) as error:
        raise ExportError(f"{path} can't be read: {' '.join(str(error).split())[:200]}") from None
    raise ExportError(f"{path}: a frame is a .csv, .csv.gz or .parquet file")
