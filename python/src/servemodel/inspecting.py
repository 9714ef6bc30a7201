"""What a path holds, by its content, without running any of it. Prints one JSON object.

    python inspecting.py PATH

Standard library only, and no import of the package: it runs before an environment exists.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [] if __package__ else [str(Path(__file__).resolve().parents[1])]

from servemodel.mlmodel import parse

CHUNK = 1 << 20
OVERLAP = 200
"""Longer than all that is looked for."""

LIBRARIES = {b"sklearn.": "scikit-learn", b"lightgbm.": "lightgbm", b"xgboost.": "xgboost", b"catboost.": "catboost",
             b"imblearn.": "imbalanced-learn"}  # fmt: skip
VERSION = re.compile(rb"_sklearn_version.{1,12}?([0-9]+\.[0-9]+(?:\.[0-9a-z]+)*)", re.S)
TAKES = (
    "import takes scikit-learn pipelines (.joblib, .pkl, .skops), LightGBM (.txt), XGBoost (.json, .ubj), CatBoost (.cbm), "
    "PyTorch programs (.pt2), ONNX files and MLflow model folders"
)


class Unknown(Exception):
    """A path that can't be imported, in one sentence."""


def _opened(path: Path, head: bytes) -> Any:
    """A file of the bytes behind the compression that joblib and people use."""
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(path)
    if head.startswith(b"BZh"):
        return bz2.open(path)
    if head.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        return lzma.open(path)
    return path.open("rb")


def _pieces(path: Path, head: bytes) -> Iterator[bytes]:
    """The content, in pieces that overlap."""
    zipped = zlib.decompressobj() if head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0 else None
    before = b""
    with _opened(path, head) as file:
        while piece := file.read(CHUNK):
            while piece:
                plain = zipped.decompress(piece, CHUNK) if zipped else piece
                piece = zipped.unconsumed_tail if zipped else b""
                yield before + plain
                before = (before + plain)[-OVERLAP:]
                if zipped and not plain:
                    break


def _facts(pieces: Iterator[bytes]) -> dict[str, Any]:
    """The libraries that a pickle names, and the scikit-learn that fitted it."""
    names: set[str] = set()
    fitted: dict[str, str] = {}
    for piece in pieces:
        names.update(library for word, library in LIBRARIES.items() if word in piece)
        if "scikit-learn" not in fitted and (found := VERSION.search(piece)):
            fitted["scikit-learn"] = found[1].decode()
    return {"needs": sorted(names), "fitted": fitted}


def _zip(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "schema.json" in names:
            schema = archive.read("schema.json")
            facts = _facts(iter([schema]))
            found = re.search(rb'_sklearn_version"[^0-9]{1,120}?"?\\?"([0-9]+\.[0-9]+[^"\\]*)', schema)
            if found:
                facts["fitted"]["scikit-learn"] = found[1].decode()
            return {"kind": "skops", **facts, "needs": sorted({*facts["needs"], "skops"})}
        # The first is of PyTorch 2.8 and newer.
        if any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in names):
            return {"kind": "torch", "needs": ["torch", "onnxscript"]}
        if any(name.endswith("data.pkl") for name in names):
            raise Unknown(
                f"{path} is a PyTorch file of weights or of a pickled module; import takes an exported program: program = "
                "torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim('rows')},)), "
                "torch.export.save(program, 'model.pt2')"
            )
        if any(name.endswith("MLmodel") for name in names):
            raise Unknown(f"{path} is an archive with an MLflow model in it: unpack it, and import the folder")
    raise Unknown(f"{path} is a ZIP archive that holds no model that is known; {TAKES}")


def _text(path: Path, head: bytes) -> dict[str, Any] | None:
    """What begins as text: boosters."""
    if head.startswith(b"tree\n") or head.startswith(b"tree\r\n"):
        return {"kind": "lightgbm", "needs": ["lightgbm"]}
    if head.startswith(b"CBM1"):
        return {"kind": "catboost", "needs": ["catboost"]}
    stripped = head.lstrip()
    if stripped.startswith(b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner") or (
        stripped.startswith(b"{") and b'"learner"' in head
    ):
        return {"kind": "xgboost", "needs": ["xgboost"]}
    if stripped.startswith(b"{") and (b"oblivious_trees" in head or b'"features_info"' in head):
        raise Unknown(f"{path} is CatBoost's JSON form: save it as model.cbm, model.save_model('model.cbm')")
    if stripped.startswith(b"{") and (b'"tree_info"' in head or b'"feature_names"' in head and b'"num_class"' in head):
        raise Unknown(f"{path} is a dump of LightGBM, not a model: write booster.save_model('model.txt')")
    if stripped.startswith(b"[") and b'"nodeid"' in head:
        raise Unknown(f"{path} is a dump of XGBoost's trees, not a model: write booster.save_model('model.json')")
    if stripped.startswith(b"<") and b"PMML" in head:
        raise Unknown(f"{path} is PMML, which isn't read; {TAKES}")
    return None


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head == b"":
        raise Unknown(f"{path} is empty")
    if head.startswith(b"PK\x03\x04") and zipfile.is_zipfile(path):
        return _zip(path)
    if found := _text(path, head):
        return found
    if head.startswith(b"\x89HDF"):
        raise Unknown(f"{path} is an HDF5 file, as Keras writes it: export it, model.export('model.onnx', format='onnx')")
    if head.startswith(b"version https://git-lfs"):
        raise Unknown(f"{path} is a pointer of Git LFS, not the file itself: git lfs pull")
    try:
        first = next(_pieces(path, head), b"")
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise Unknown(f"{path} is compressed, and damaged ({error})") from None
    if first[:1] == b"\x80" and first[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        try:
            return {"kind": "pickle", **_facts(_pieces(path, head))}
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise Unknown(f"{path} is compressed, and damaged ({error})") from None
    raise Unknown(f"{path} can't be recognised by its content; {TAKES}")


FLAVORS = {"sklearn": "scikit-learn", "lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost"}
_VERSIONS = {"sklearn": "sklearn_version", "lightgbm": "lgb_version", "xgboost": "xgb_version", "catboost": "catboost_version"}
_FILES = ("pickled_model", "model_data", "data", "model_path")


def _mlflow(folder: Path) -> dict[str, Any]:
    members = parse((folder / "MLmodel").read_text(encoding="utf-8"))
    flavors = members.get("flavors") or {}
    for flavor, library in FLAVORS.items():
        if not isinstance(flavors.get(flavor), dict):
            continue
        facts = flavors[flavor]
        path = next((folder / facts[key] for key in _FILES if facts.get(key)), None)
        if path is None or not path.exists() or folder.resolve() not in path.resolve().parents:
            raise Unknown(f"{folder}/MLmodel names a file that isn't there: {path.name if path else flavor}")
        # MLflow's name of the file says nothing: model.lgb is LightGBM's text, model.pkl a pickle.
        inner = {"kind": "catboost", "needs": ["catboost"]} if flavor == "catboost" else _file(path)
        fitted = {library: facts[_VERSIONS[flavor]]} if facts.get(_VERSIONS[flavor]) else inner.get("fitted", {})
        needs = sorted({*inner["needs"], library})
        return {**inner, "needs": needs, "fitted": fitted, "path": str(path), "folder": str(folder)}
    named = ", ".join(name for name in flavors if name != "python_function")
    if named:
        raise Unknown(
            f"{folder} is an MLflow model of the flavour {named}, which can't be served as it is: log its ONNX form "
            "(mlflow.onnx), or import that file"
        )
    raise Unknown(
        f"{folder} is an MLflow model with Python code of its own (python_function), which isn't run at serving time: "
        "log the model inside it with its own flavour (mlflow.sklearn, mlflow.lightgbm, …) or its ONNX form"
    )


def inspect(path: Path) -> dict[str, Any]:
    """Kind, path, libraries that are needed, and the versions that fitted it. Raises Unknown."""
    try:
        if path.is_dir():
            return _mlflow(path)
        if path.is_file():
            return {"fitted": {}, **_file(path), "path": str(path)}
    except OSError as error:
        raise Unknown(f"{path} cannot be read ({error.strerror or error})") from None
    module, colon, name = str(path).partition(":")
    if colon and name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return {"kind": "object", "path": str(path), "needs": ["lightgbm", "xgboost"], "fitted": {}}
    raise Unknown(f"there is no file or folder {path}")


if __name__ == "__main__":
    try:
        here = ".".join(map(str, sys.version_info[:3]))
        if sys.version_info < (3, 11):
            raise Unknown(f"Python 3.11 or newer is needed, and {sys.executable} is {here}: name another with --python")
        print(json.dumps({**inspect(Path(sys.argv[1])), "python": here}))
    except Unknown as unknown:
        print(json.dumps({"refused": str(unknown)}))
