"""Loads models and frames from files or by import."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from sklearn.base import BaseEstimator

from servemodel.errors import ExportError


OTHER_VERSION = "it was probably written by another version of a library: --with scikit-learn==1.7.2, for example"
TWO_WAYS = "code of one's own has no ONNX form: use a transformer of the library, or compute the column before the request"


def load_model(source: str) -> Any:
    """A fitted model from a joblib or pickle file, or `package.module:name` (a function is called)."""
    path = Path(source)
    if path.exists():
        try:
            return joblib.load(path)
        except ModuleNotFoundError as error:
            raise ExportError(
                f"{source} needs the package {error.name}, which isn't there: --with {error.name}, or --python with an "
                "environment that has it"
            ) from error
        except AttributeError as error:
            if "__main__" not in str(error):
                raise ExportError(f"{source} can't be loaded ({error}): {OTHER_VERSION}") from error
            named = str(error).split("'")[1] if "'" in str(error) else str(error)
            raise ExportError(
                f"{source} needs {named}, which was defined in a notebook or a script: put it into a module and fit again, "
                f"or call servemodel.export there; {TWO_WAYS}"
            ) from error
        # Unpickling runs code of the file, and that may raise anything.
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise ExportError(f"{source} can't be loaded ({type(error).__name__}: {reason})") from error
    module, colon, name = source.partition(":")
    if not colon:
        raise ExportError(f"there is no file {source}; an importable object is written package.module:name")
    sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ExportError(f"{source} can't be imported: {error}") from None
    return found() if callable(found) and not isinstance(found, BaseEstimator) else found


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
