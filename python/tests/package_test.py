"""Tests of the package as a notebook uses it: frames of three libraries, and answers of a server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

SOURCES = Path(__file__).resolve().parents[1] / "src"
sys.path.insert(0, str(SOURCES))

import servemodel
from servemodel.frames import to_pandas

random = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": random.integers(18, 90, 200), "pay": random.normal(size=200).round(3)})
FRAME["late"] = FRAME["age"] + 20 * FRAME["pay"] > 50
MODEL = LogisticRegression().fit(FRAME[["age", "pay"]], FRAME["late"])


def polars_frame(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").DataFrame({name: frame[name].to_list() for name in frame.columns})


def arrow_table(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("pyarrow").Table.from_pandas(frame)


class TestFrames:
    @pytest.mark.parametrize("other", [polars_frame, arrow_table])
    def test_of_other_libraries_give_the_same_version(self, other: Any, tmp_path: Path) -> None:
        for frame, folder in ((FRAME, "m/1"), (other(FRAME), "m/2")):
            servemodel.export(MODEL, frame, tmp_path / folder, target="late")
        for file in ("model.onnx", "model.json", "golden.json"):
            assert (tmp_path / "m/1" / file).read_bytes() == (tmp_path / "m/2" / file).read_bytes()

    @pytest.mark.parametrize("other", [polars_frame, arrow_table])
    def test_keep_texts_booleans_and_missing_cells(self, other: Any) -> None:
        frame = pd.DataFrame({"city": ["Ulm", "Kiel", "a"], "x": [1.5, None, 2], "n": [1, 2, 3], "b": [True, False, True]})
        got = to_pandas(other(frame))
        assert list(got.columns) == list(frame.columns)
        assert got["city"].tolist() == ["Ulm", "Kiel", "a"]
        assert [got[name].dtype.kind for name in ("x", "n", "b")] == ["f", "i", "b"]
        assert got["x"].isna().tolist() == [False, True, False]

    def test_names_on_two_levels_are_refused_with_the_way_out(self, tmp_path: Path) -> None:
        frame = FRAME[["age", "pay"]].copy()
        frame.columns = pd.MultiIndex.from_product([["a"], ["age", "pay"]])
        with pytest.raises(servemodel.ExportError, match=r"2 levels \(a MultiIndex\).*'_'\.join"):
            servemodel.export(MODEL, frame, tmp_path / "m" / "1")
        assert not (tmp_path / "m").exists()


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, servemodel; print(sorted({'sklearn', 'onnx', 'pandas', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=SOURCES, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_oldest_versions_that_are_tested_are_the_oldest_that_are_allowed() -> None:
    project = tomllib.loads((SOURCES.parent / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    # Gigabytes: torch_test.py runs where PyTorch is.
    wanted = [*project["dependencies"], *(one for name in extras if name != "torch" for one in extras[name])]
    least = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", one).groups() for one in wanted if ">=" in one)
    lines = (SOURCES.parent / "oldest-requirements.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    assert "scikit-learn" in least
    for name, version in least.items():
        assert f"{tested[name]}.".startswith(f"{version}."), name


class Stub(BaseHTTPRequestHandler):
    """Answers 1 where the first column of a row is above 0, and keeps what was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, dict[str, list[Any]]]] = []
    refusals: list[tuple[int, dict[str, Any]]] = []
    several: dict[str, Any] | None = None  # what else each row is answered with
    outputs: dict[str, Any] = {}  # of the model

    def do_GET(self) -> None:
        type(self).asked.append((self.path, {}))
        self._send(200 if self.outputs else 404, {"outputs": self.outputs})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        type(self).asked.append((self.path, body))
        status, answer = 200, {"predictions": [int((cell or 0) > 0) for cell in body["x"]]}
        if self.refusals:
            status, answer = self.refusals.pop(0)
        elif "probabilities=true" in self.path:
            answer |= {"classes": ["no", "yes"], "probabilities": [[1 - one, one] for one in answer["predictions"]]}
        if self.several is not None:
            answer = {name: [cell] * len(body["x"]) for name, cell in self.several.items()}
        self._send(status, answer)

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.send_header("retry-after", "0")
        self.send_header("x-model", "churn/3")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Stub.asked, Stub.refusals, Stub.several, Stub.outputs = [], [], None, {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TestLoadAnswers:
    def test_are_a_series_with_the_index_of_the_frame(self, url: str) -> None:
        frame = pd.DataFrame({"x": [1.0, None, -1.5], "day": pd.to_datetime(["2024-02-29"] * 3)}, index=["a", "b", "c"])
        answers = servemodel.load_answers(url, frame, model="churn/3")
        assert isinstance(answers, pd.Series)
        assert answers.to_dict() == {"a": 1, "b": 0, "c": 0}
        path, body = Stub.asked[0]
        assert path == "/models/churn/versions/3/predict?extra=ignore"
        assert body == {"x": [1.0, None, -1.5], "day": ["2024-02-29T00:00:00"] * 3}
        table = servemodel.load_answers(f"{url}/predict", frame, probabilities=True)
        assert (list(table.columns), table.loc["a"].tolist()) == (["no", "yes"], [0, 1])

    def test_of_many_rows_come_in_portions(self, url: str) -> None:
        frame = pd.DataFrame({"x": np.arange(120_001) % 2, "note": ["-"] * 120_001})
        answers = servemodel.load_answers(url, frame)
        assert answers.equals(pd.Series(frame["x"].to_numpy(), name="prediction"))
        assert [len(body["x"]) for _, body in Stub.asked] == [25_000] * 4 + [20_001]

    def test_of_long_texts_come_in_bodies_below_the_limit(self, url: str) -> None:
        servemodel.load_answers(url, pd.DataFrame({"x": [1, 2, 3], "note": ["long " * 1_000_000] * 3}))
        assert [len(body["x"]) for _, body in Stub.asked] == [1, 1, 1]

    def test_of_a_polars_frame_are_polars(self, url: str) -> None:
        polars = pytest.importorskip("polars")
        answers = servemodel.load_answers(url, polars.DataFrame({"x": [1, -1]}))
        assert isinstance(answers, polars.Series)
        assert answers.to_list() == [1, 0]

    def test_of_several_values_are_a_frame_with_their_names(self, url: str) -> None:
        frame = pd.DataFrame({"x": range(60_000)}, index=range(100, 60_100))
        Stub.several, Stub.outputs = {"predictions": [1.5, "yes"]}, {"values": [{"name": "price"}, {"name": "late"}]}
        answers = servemodel.load_answers(url, frame)
        assert (list(answers.columns), answers.index.equals(frame.index)) == (["price", "late"], True)
        assert answers.iloc[-1].tolist() == [1.5, "yes"]
        assert [path for path, _ in Stub.asked].count("/models/churn/versions/3") == 1
        # A server that shows no models still answers.
        Stub.outputs = {}
        assert list(servemodel.load_answers(url, frame.iloc[:2]).columns) == ["prediction_0", "prediction_1"]
        Stub.several = {"predictions": [0, 1], "probabilities": [0.25, 0.75]}
        Stub.outputs = {"values": [{"name": "a"}, {"name": "b"}]}
        assert servemodel.load_answers(url, frame.iloc[:1], probabilities=True).to_dict("list") == {"a": [0.25], "b": [0.75]}

    def test_of_outliers_and_clusters_have_what_stands_beside_them(self, url: str) -> None:
        frame = pd.DataFrame({"x": [1, 2]})
        Stub.several = {"predictions": -1, "score": -0.5}
        assert servemodel.load_answers(url, frame).to_dict("list") == {"prediction": [-1, -1], "score": [-0.5, -0.5]}
        Stub.several, Stub.outputs = {"predictions": 7, "distances": [2.0, 0.5]}, {"classes": [3, 7]}
        answers = servemodel.load_answers(f"{url}/models/churn/predict", frame)
        assert answers.to_dict("list") == {"prediction": [7, 7], "distance_3": [2.0, 2.0], "distance_7": [0.5, 0.5]}
        assert Stub.asked[-1][0] == "/models/churn/versions/3"
        polars = pytest.importorskip("polars")
        table = servemodel.load_answers(url, polars.DataFrame({"x": [1, 2]}))
        assert isinstance(table, polars.DataFrame) and table.columns == ["prediction", "distance_3", "distance_7"]

    def test_wait_while_the_server_is_overloaded(self, url: str) -> None:
        Stub.refusals = [(503, {"detail": "too much"}), (503, {"detail": "too much"})]
        assert servemodel.load_answers(url, FRAME.assign(x=1)[["x"]]).sum() == 200

    def test_that_are_refused_raise_the_servers_sentence(self, url: str) -> None:
        wrong = {"detail": "2 cells are invalid.", "errors": [{"row": 0, "column": "x", "message": "expected an integer"}]}
        Stub.refusals = [(422, wrong)]
        with pytest.raises(servemodel.AnswerError, match=r"answers 422: 2 cells are invalid\. \(row 0, column x: expected"):
            servemodel.load_answers(url, pd.DataFrame({"x": [1.5]}))
        for cells in ([1, np.inf], [None, -np.inf], pd.Series([np.inf, "a"], dtype=object)):
            with pytest.raises(servemodel.AnswerError, match="column x holds an infinite number"):
                servemodel.load_answers(url, pd.DataFrame({"x": cells, "y": 1}))
        with pytest.raises(servemodel.AnswerError, match="doesn't answer"):
            servemodel.load_answers("http://127.0.0.1:1", pd.DataFrame({"x": [1.5]}))
        with pytest.raises(servemodel.AnswerError, match="is no address"):
            servemodel.load_answers("ftp://x", pd.DataFrame({"x": [1.5]}))
