"""Imports a model from a file or an MLflow folder: loads it, finds names and rows, and exports it.

    python -m servemodel.importing OPTIONS.json REPORT.json
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import os
import shlex
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any, NamedTuple

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if __name__ == "__main__":
    # The user's own environment may lack a package.
    try:
        import servemodel.exporting  # noqa: F401
    except ModuleNotFoundError as error:
        package = shlex.quote(str(Path(__file__).resolve().parents[2]))
        sys.exit(f"import: {sys.executable} has no package {error.name}: {sys.executable} -m pip install {package}, or leave --python out")

import numpy as np
import pandas as pd

from servemodel.command_line import LateProgress, exit_code
from servemodel.errors import ExportError
from servemodel.exporting import export_model
from servemodel.made_rows import make_rows
from servemodel.mlmodel import columns as signature_columns
from servemodel.mlmodel import parse
from servemodel.native import noted_categories
from servemodel.signature import first_step, fitted_names, known_categories, reads_one_text
from servemodel.sources import load_frame, load_model, not_loaded
from servemodel.torch_program import export_program, is_module

KINDS = {"long": "integer", "integer": "integer", "boolean": "boolean", "string": "string"}


def _differences(fitted: dict[str, str]) -> list[str]:
    """A sentence for each library of another version than the one that fitted the model."""
    found = []
    for package, version in fitted.items():
        here = _version(package)
        if here is not None and here != version:
            found.append(f"fitted with {package} {version}, here is {here}: use --python, or --with {package}=={version}")
    return found


def _version(package: str) -> str | None:
    for name in (package, f"{package}-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _load_skops(path: Path, trust: bool, advice: str) -> Any:
    import skops.io

    untrusted = skops.io.get_untrusted_types(file=path)
    if untrusted and not trust:
        raise ExportError(
            f"{path} holds types that skops doesn't know to be harmless: {', '.join(untrusted[:20])}; if you know where "
            "the file is from, import it with --trust"
        )
    try:
        return skops.io.load(path, trusted=untrusted)
    except Exception as error:
        raise not_loaded(path, error, advice) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


class Loaded(NamedTuple):
    """The model, and the names and thresholds of its columns where the file knows them."""

    model: Any
    names: list[str] | None
    thresholds: dict[str, np.ndarray]


def _load(options: dict[str, Any], advice: str) -> Loaded:
    """What the file holds. advice: what to do where a library's version is the cause of a failure."""
    kind, path = options["kind"], Path(options["path"])
    if kind in ("lightgbm", "xgboost", "catboost"):
        from servemodel import boosters

        return _loaded(getattr(boosters, f"load_{kind}")(path))
    model = _load_skops(path, options["trust"], advice) if kind == "skops" else load_model(options["path"], advice)
    return _with_thresholds(model)


def _loaded(found: Any) -> Loaded:
    thresholds = dict(zip(found.names, found.thresholds, strict=True))
    return Loaded(found.model, found.names, thresholds)


def _with_thresholds(model: Any) -> Loaded:
    library = type(model).__module__.split(".")[0]
    if library not in ("lightgbm", "xgboost", "catboost"):
        return Loaded(model, None, {})
    from servemodel import boosters

    model = boosters.as_estimator(model)
    if library == "lightgbm":
        found = boosters.lightgbm_estimator(model.booster_)._replace(model=model)
    else:
        found = getattr(boosters, f"{library}_estimator")(model)
    return _loaded(found)


def _mlflow(folder: Path) -> tuple[list[dict[str, Any]] | None, pd.DataFrame | None]:
    """The columns of the signature, and the rows of the input example."""
    members = parse((folder / "MLmodel").read_text(encoding="utf-8"))
    info = members.get("saved_input_example_info") or {}
    example = None
    path = folder / str(info.get("artifact_path", "input_example.json"))
    if info.get("type") == "dataframe" and path.is_file():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            example = pd.DataFrame(content["data"], columns=[str(name) for name in content["columns"]])
        except (ValueError, KeyError, TypeError):
            example = None
    return signature_columns(members), example


def _own_names(model: Any) -> list[str]:
    for one in (model, first_step(model)):
        if hasattr(one, "feature_names_in_"):
            return [str(name) for name in one.feature_names_in_]
    if reads_one_text(model):
        return ["text"]
    width = getattr(model, "n_features_in_", None)
    if width is None:
        raise ExportError("the file doesn't say which columns the model takes: give rows that have them with --rows")
    return [f"x{at}" for at in range(width)]


def _made_rows(loaded: Loaded, options: dict[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    """Rows for a model without any, and the columns that hold whole numbers."""
    model, names, thresholds = loaded
    native = noted_categories(model)
    columns, example = _mlflow(Path(options["folder"])) if options.get("folder") else (None, None)
    own = names or _own_names(model)
    kinds: dict[str, str] = {}
    if columns is not None and len(columns) >= len(own):
        given = {str(one["name"]): str(one["type"]) for one in columns}
        dates = [name for name, kind in given.items() if kind == "datetime"]
        if dates:
            raise ExportError(f"column {dates[0]} is a date, which no column can hold: fit the model on a number")
        # A booster or a model without names of its own takes the signature's, by position.
        if not set(own) <= set(given) and len(given) == len(own):
            thresholds = dict(zip(given, [thresholds.get(name, np.empty(0)) for name in own], strict=True))
            native = {new: native[name] for new, name in zip(given, own, strict=True) if name in native}
            own = list(given)
        kinds = {name: KINDS.get(given.get(name, ""), "number") for name in own}
    elif example is not None and len(example.columns) == len(own):
        kinds = {name: "string" for name in own if name in example and example[name].map(type).eq(str).any()}
    if reads_one_text(model):
        kinds = {own[0]: "string"}
    categories = {**known_categories(model, own), **native}
    frame = make_rows(own, kinds, categories, thresholds, example)
    return frame, [name for name, kind in kinds.items() if kind == "integer" and name in own]


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Import as the options say; returns what was done."""
    differences = _differences(options.get("fitted") or {})
    for line in differences:
        print(line, file=sys.stderr, flush=True)
    if options["kind"] == "pickle":
        print(f"{options['path']} is a pickle: loading it runs the code that is in it", file=sys.stderr, flush=True)
    steps = LateProgress()
    steps("loading the model")
    try:
        # Of pickles from other versions, which the first line has named.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = _load(options, differences[0] if differences else "")
        model = loaded.model
        if is_module(model):
            return export_program(model, options, steps)
        integers = list(options.get("integers") or [])
        if options.get("columns"):
            options["columns"] = next(csv.reader([options["columns"]]))
        if options.get("rows"):
            steps("reading the rows")
            frame, made_up = load_frame(Path(options["rows"]), options.get("texts") or []), False
        else:
            frame, whole = _made_rows(loaded, options)
            integers, made_up = [*integers, *whole], True
            if fitted_names(model) is None and not reads_one_text(model):
                options["columns"] = list(frame.columns)
            if options.get("target"):
                raise ExportError("--target is a column of the rows: give them with --rows")
        export = export_model(
            model, frame, Path(options["out"]), version=options["version"], made_up=made_up, steps=steps,
            target=options.get("target"), description=options.get("description"), classes=options.get("classes"), outputs=options.get("outputs") or [],
            integers=integers, keep=options.get("keep") or [], columns=options.get("columns"), routes=options.get("routes") or [], answer=options.get("answer"),
            tolerance=options.get("tolerance"),
        )  # fmt: skip
    finally:
        steps.stop()
    return {"framework": export.framework, "rows": export.agreement.rows, "edges": export.edges.rows,
            "largest": max(export.agreement.largest, export.edges.largest), "metrics": export.metrics,
            "madeUp": made_up, "parts": export.parts}  # fmt: skip


def main(arguments: list[str]) -> int:
    options = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))

    def work() -> None:
        try:
            report = run(options)
        except (ExportError, OSError):
            raise
        except ModuleNotFoundError as error:
            raise ExportError(
                f"{sys.executable} has no package {error.name}: install it there, or leave --python out and give --with {error.name}"
            ) from error
        # Libraries raise errors of any type for a file that they don't expect.
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}, line {last.lineno}"
            raise ExportError(f"{options['path']} can't be imported ({type(error).__name__} in {where}: {_line(error)})") from error
        Path(arguments[1]).write_text(json.dumps(report), encoding="utf-8")

    # What libraries print beside their errors is noise.
    sys.stdout = io.StringIO()
    return exit_code("import", work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
