"""Tests of the reader of MLmodel files against a YAML package, and of what recognises files."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from servemodel.inspecting import Unknown, inspect
from servemodel.mlmodel import columns, parse

yaml = pytest.importorskip("yaml")

NAMES = ["age", "net pay", "it's", 'say "hi"', "Köln", "a: b", "x" * 90, "tab\there", "back\\slash", "€"]


def without_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_lists(inner) for key, inner in value.items() if not isinstance(inner, list)}


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_reads_what_a_yaml_writer_writes(name: str, unicode: bool) -> None:
    import json

    inputs = json.dumps([{"type": "double", "name": one, "required": True} for one in (name, "b", name + "2")], ensure_ascii=False)
    members = {
        "flavors": {"sklearn": {"pickled_model": "model.pkl", "sklearn_version": "1.7.2", "code": None}},
        "signature": {"inputs": inputs, "outputs": "[]"},
        "utc_time_created": "2026-11-29 07:37:37.961454",
    }
    text = yaml.safe_dump(members, allow_unicode=unicode)
    assert parse(text) == without_lists(members)
    assert [one["name"] for one in columns(parse(text)) or []] == [name, "b", name + "2"]


def flavor(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "MLmodel").write_text(text)
    return folder


def test_what_cannot_be_imported_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("tree\n")
    cases = [
        (flavor(tmp_path / "a", "flavors:\n  python_function:\n    loader_module: mine\n"), "Python code of its own"),
        (flavor(tmp_path / "b", "flavors:\n  tensorflow:\n    data: x\n"), "of the flavour tensorflow"),
        (flavor(tmp_path / "c", "flavors:\n  lightgbm:\n    data: ../secret\n"), "names a file that isn't there"),
        (tmp_path / "none", "there is no file or folder"),
    ]
    for name, content, message in [
        ("d", b"\x89HDF\r\n", "HDF5"),
        ("e", b"\x1f\x8b\x08damaged", "compressed, and damaged"),
        ("f", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("g", b"<?xml version='1.0'?><PMML>", "is PMML"),
        ("h", b'[{"nodeid": 0}]', "a dump of XGBoost"),
        ("i", b"PK\x05\x06" + bytes(18), "can't be recognised"),
    ]:
        (tmp_path / name).write_bytes(content)
        cases.append((tmp_path / name, message))
    for path, message in cases:
        with pytest.raises(Unknown, match=message) as error:
            inspect(path)
        assert "\n" not in str(error.value)


def test_a_pickle_is_known_by_its_libraries_behind_a_compression(tmp_path: Path) -> None:
    content = b"\x80\x04\x8c\x10lightgbm.sklearn\x94" + bytes(3 << 20) + b"\x8c\x10_sklearn_version\x94\x8c\x051.7.2\x94s."
    for name, written in (("plain", content), ("zipped", gzip.compress(content))):
        (tmp_path / name).write_bytes(written)
        facts = inspect(tmp_path / name)
        assert (facts["kind"], facts["needs"], facts["fitted"]) == ("pickle", ["lightgbm"], {"scikit-learn": "1.7.2"})
