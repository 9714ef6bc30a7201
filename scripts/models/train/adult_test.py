"""Tests of scripts/models/train/adult.py and of the committed files of models/adult.

Run with: python -m pytest scripts/models/train/adult_test.py
The full training runs once per session, through the command line; every test reads its results.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score
from sklearn.pipeline import Pipeline

sys.path.insert(0, str(Path(__file__).resolve().parent))
import adult
from servemodel.documents import significant
from servemodel.same import GOLDEN, differences

SCRIPT = Path(adult.__file__)
DATA = adult.DEFAULT_DATA
VERSION = adult.DEFAULT_OUTPUT
CARD = VERSION / "CARD.md"
TRAINING_ROWS, TEST_ROWS = 32_561, 16_281
EVERY_ROW = TRAINING_ROWS + TEST_ROWS


@dataclass(frozen=True)
class Retrained:
    """The results of the one training run of this session."""

    output: Path
    predictions: Path
    pipeline: Pipeline
    stdout: str


def run_cli(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """adult.py in a process of its own, as a user starts it."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


def has_plain_header(path: Path) -> bool:
    """Whether a gzip file's flags and time stamp are 0, so that packing again gives the same bytes."""
    return path.read_bytes()[3:8] == bytes(5)


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def one_line(text: str) -> str:
    """The text, after a check that it is one line and not a traceback."""
    assert text.count("\n") == 1, text
    return text.strip()


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    folder = tmp_path_factory.mktemp("a path with spaces")
    result = run_cli(
        "--output", "new model/1", "--joblib", "kept/pipeline.joblib", "--predictions", "kept/predictions.csv.gz",
        cwd=folder,
        # Another hash seed than that of the committed model: an order taken from a set would show.
        PYTHONHASHSEED="12345",
        SOURCE_DATE_EPOCH="0",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    pipeline = joblib.load(folder / "kept" / "pipeline.joblib")
    return Retrained(folder / "new model" / "1", folder / "kept" / "predictions.csv.gz", pipeline, result.stdout)


@pytest.fixture(scope="session")
def splits() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test frame, read by code that shares nothing with adult.py's."""
    names = [*adult.COLUMNS, adult.LABEL]
    training = pd.read_csv(DATA / "adult.data.gz", header=None, names=names)
    test = pd.read_csv(DATA / "adult.test.gz", header=None, names=names, skiprows=1)
    test[adult.LABEL] = test[adult.LABEL].str.replace(".", "", regex=False)
    return training, test


@pytest.fixture(scope="session")
def committed() -> onnx.ModelProto:
    return onnx.load(VERSION / "model.onnx")


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """A folder with the first real rows, not gzipped: trains in a second."""
    folder = tmp_path / "small data"
    folder.mkdir()
    # Few test rows, since on many some would be exact ties, which adult.py refuses.
    for name, count in ((adult.TRAINING_FILE, 400), (adult.TEST_FILE, 100)):
        lines = gzip.decompress((DATA / f"{name}.gz").read_bytes()).splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:count]))
    return folder


class TestData:
    @pytest.mark.parametrize("name", adult.OFFICIAL_SHA256)
    def test_is_what_uci_serves_and_what_the_readme_says(self, name: str) -> None:
        content = gzip.decompress((DATA / f"{name}.gz").read_bytes())
        digest = hashlib.sha256(content).hexdigest()
        assert digest == adult.OFFICIAL_SHA256[name]
        row = next(line for line in (DATA / "README.md").read_text().splitlines() if f"`{name}.gz`" in line)
        assert f"`{digest}`" in row
        assert f" {len(content):,} " in row

    def test_is_packed_without_time_or_name(self) -> None:
        for path in DATA.glob("*.gz"):
            assert has_plain_header(path), path.name

    def test_reads_the_same_frames_as_plain_pandas(self, splits: tuple[pd.DataFrame, pd.DataFrame]) -> None:
        *frames, split = adult.load(DATA, adult.Progress())
        assert split == "official test split (adult.test)"
        for frame, expected, rows in zip(frames, splits, (TRAINING_ROWS, TEST_ROWS), strict=True):
            assert len(frame) == rows
            pd.testing.assert_frame_equal(frame, expected)


class TestCommittedModel:
    def test_has_the_digest_that_model_json_names(self) -> None:
        digest = hashlib.sha256((VERSION / "model.onnx").read_bytes()).hexdigest()
        assert read_json(VERSION / "model.json")["sha256"] == digest

    def test_has_the_accuracy_that_model_json_names(
        self, committed: onnx.ModelProto, splits: tuple[pd.DataFrame, pd.DataFrame]
    ) -> None:
        test = splits[1]
        labels, _ = adult.run_onnx(committed, test)
        accuracy = float((labels == test[adult.LABEL].to_numpy()).mean())
        metrics = read_json(VERSION / "model.json")["metrics"]
        assert metrics == {"accuracy": accuracy, "rows": TEST_ROWS, "split": "official test split (adult.test)"}
        assert accuracy >= 0.8635

    def test_answers_as_scikit_learn_on_every_row(
        self, committed: onnx.ModelProto, retrained: Retrained, splits: tuple[pd.DataFrame, pd.DataFrame]
    ) -> None:
        agreement = adult.compare(retrained.pipeline, committed, pd.concat(splits, ignore_index=True))
        assert agreement.rows == EVERY_ROW
        assert agreement.label_differences == 0
        assert agreement.probability_difference < 1e-6

    def test_answers_its_golden_rows(self, committed: onnx.ModelProto) -> None:
        golden = read_json(VERSION / "golden.json")
        labels, probabilities = adult.run_onnx(committed, adult.frame_of(golden["data"]))
        assert labels.tolist() == golden["predictions"]
        np.testing.assert_allclose(probabilities, golden["probabilities"], rtol=0, atol=1e-6)


class TestModelJson:
    def test_describes_each_column_by_position(self, committed: onnx.ModelProto) -> None:
        inputs = read_json(VERSION / "model.json")["inputs"]
        assert [entry["name"] for entry in inputs] == adult.COLUMNS
        assert [entry["onnx"] for entry in inputs] == [graph_input.name for graph_input in committed.graph.input]

    def test_names_types_categories_and_ranges_of_the_training_data(
        self, splits: tuple[pd.DataFrame, pd.DataFrame]
    ) -> None:
        training = splits[0]
        for entry in read_json(VERSION / "model.json")["inputs"]:
            del entry["distribution"]
            name, values = entry["name"], training[entry["name"]]
            if name in adult.NUMERIC:
                expected = {"type": "integer", "nullable": True, "range": [int(values.min()), int(values.max())]}
            else:
                expected = {"type": "string", "nullable": False, "categories": sorted(values.unique())}
            example = adult.EXAMPLE_ROW[adult.COLUMNS.index(name)]
            assert entry == {"name": name, "onnx": name.replace("-", "_"), **expected, "example": example}

    def test_tells_how_the_training_data_lie(
        self, committed: onnx.ModelProto, splits: tuple[pd.DataFrame, pd.DataFrame]
    ) -> None:
        training = splits[0]
        members = read_json(VERSION / "model.json")
        for entry in members["inputs"]:
            distribution, values = entry["distribution"], training[entry["name"]]
            assert distribution["rows"] == len(training)
            if entry["name"] in adult.NUMERIC:
                edges = [-np.inf, *distribution["edges"], np.inf]
                counts = [((values > low) & (values <= high)).sum() for low, high in pairwise(edges)]
            else:
                counts = [(values == category).sum() for category in entry["categories"]]
            np.testing.assert_allclose(distribution["shares"], np.array(counts) / len(training), atol=1e-6)
        labels, _ = adult.run_onnx(committed, training)
        high = float((labels == adult.CLASSES[1]).mean())
        assert members["outputs"]["distribution"]["shares"] == [round(1 - high, 6), round(high, 6)]

    def test_names_the_outputs_of_the_graph(self, committed: onnx.ModelProto) -> None:
        outputs = read_json(VERSION / "model.json")["outputs"]
        assert [outputs["label"], outputs["probabilities"]] == [output.name for output in committed.graph.output]
        assert outputs["classes"] == [" <=50K", " >50K"]

    def test_has_exactly_the_agreed_keys(self) -> None:
        assert list(read_json(VERSION / "model.json")) == [
            "description", "task", "framework", "created", "sha256", "inputs", "outputs", "metrics",
        ]  # fmt: skip


class TestGoldenRows:
    golden = read_json(VERSION / "golden.json")

    def test_begin_with_the_example(self) -> None:
        assert self.golden["data"][0] == adult.EXAMPLE_ROW
        assert self.golden["predictions"][0] == " <=50K"

    def test_have_an_answer_each(self) -> None:
        assert self.golden["columns"] == adult.COLUMNS
        assert len(self.golden["data"]) == len(self.golden["predictions"]) == len(self.golden["probabilities"]) == 32

    def test_cover_both_labels_and_the_whole_score_range(self) -> None:
        scores = np.array(self.golden["probabilities"])[:, 1]
        assert set(self.golden["predictions"]) == set(adult.CLASSES)
        counts, _ = np.histogram(scores, bins=10, range=(0, 1))
        assert counts.min() >= 2

    def test_stay_clear_of_ties(self) -> None:
        assert np.abs(np.array(self.golden["probabilities"]) - 0.5).min() > 1e-3

    def test_hold_missing_unknown_empty_and_extreme_values(self) -> None:
        cells = [cell for row in self.golden["data"] for cell in row]
        assert {"Private", ""} <= {cell for cell in cells if isinstance(cell, str)}
        numbers = [cell for cell in cells if isinstance(cell, int)]
        assert max(numbers) == adult.LARGEST_HELD_INTEGER
        assert min(numbers) == -adult.LARGEST_HELD_INTEGER
        assert [number for number in numbers if float(np.float32(number)) != number] == []
        assert None in cells
        assert all(isinstance(cell, (int, str)) for cell in cells if cell is not None)


class TestCard:
    def test_figures_are_those_of_the_model(
        self, retrained: Retrained, splits: tuple[pd.DataFrame, pd.DataFrame]
    ) -> None:
        training, test = splits
        actual = (test[adult.LABEL] == adult.CLASSES[1]).to_numpy()
        scores = retrained.pipeline.predict_proba(test[adult.COLUMNS])[:, 1]
        said = scores > 0.5
        right = said == actual
        women, men = ((test["sex"] == sex).to_numpy() for sex in (" Female", " Male"))
        trained_right = retrained.pipeline.predict(training[adult.COLUMNS]) == training[adult.LABEL].to_numpy()
        nodes = sum(tree.tree_.node_count for tree in retrained.pipeline.named_steps["forest"].estimators_)

        def quality(label: bool) -> str:
            recall = recall_score(actual, said, pos_label=label)
            return f"{recall:.4f} / {precision_score(actual, said, pos_label=label):.4f} |"

        def percent(flags: np.ndarray) -> str:
            return f"{100 * flags.mean():.1f} %"

        # The card's lines are wrapped, so a phrase may go over two.
        card = re.sub(r"\s+", " ", CARD.read_text(encoding="utf-8"))
        for figure in (
            f"| accuracy | {right.mean():.4f} ({right.sum():,} of {TEST_ROWS:,}",
            f"gives {1 - actual.mean():.4f})",
            f"| ROC AUC | {roc_auc_score(actual, scores):.4f} |",
            f"| Brier score | {brier_score_loss(actual, scores):.4f} |",
            f"({(~actual).sum():,} rows) | {quality(False)}",
            f"({actual.sum():,} rows) | {quality(True)}",
            f"women / men | {right[women].mean():.4f} / {right[men].mean():.4f} |",
            f"training rows the accuracy is {trained_right.mean():.4f}",
            f"finds {percent(said[men & actual])} of the men who earn more",
            f"but {percent(said[women & actual])} of the women",
            f"{percent(said[men])} of the men and {percent(said[women])} of the women",
            f"({percent(actual[men])} and {percent(actual[women])} in the data)",
            f"{nodes:,} tree nodes",
            f"{np.abs(scores - 0.5).min():.5f} from a tie",
        ):  # fmt: skip
            assert figure in card, figure


class TestRetraining:
    def test_gives_the_committed_model(self, retrained: Retrained) -> None:
        assert differences(retrained.output, VERSION) == []
        for folder in (retrained.output, VERSION):
            probabilities = read_json(folder / "golden.json")["probabilities"]
            assert probabilities == significant(probabilities)

    def test_is_dated(self, retrained: Retrained) -> None:
        assert read_json(retrained.output / "model.json")["created"] == "1970-01-01"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", read_json(VERSION / "model.json")["created"])

    def test_gives_the_committed_predictions(self, retrained: Retrained) -> None:
        new, old = (pd.read_csv(path) for path in (retrained.predictions, adult.DEFAULT_PREDICTIONS))
        assert new["label"].tolist() == old["label"].tolist()
        np.testing.assert_allclose(new["probability"], old["probability"], rtol=0, atol=GOLDEN.absolute)
        assert has_plain_header(retrained.predictions)

    def test_writes_only_the_requested_files(self, retrained: Retrained) -> None:
        folder = retrained.output.parent.parent
        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
            "kept/pipeline.joblib", "kept/predictions.csv.gz",
            "new model/1/background.json", "new model/1/golden.json", "new model/1/model.json", "new model/1/model.onnx",
        ]  # fmt: skip
        assert not list(folder.rglob(".train-*"))

    def test_tells_its_steps_and_sums_up(self, retrained: Retrained) -> None:
        for step in ("Reading", "Fitting", "Exporting", "Comparing", "Writing", "Done"):
            assert re.search(rf"^\[ *\d+\.\d s\] {step}", retrained.stdout, re.MULTILINE), step
        assert re.search(r"^accuracy on the test split +0\.8636\d\d \(16,281 rows\)$", retrained.stdout, re.MULTILINE)
        assert re.search(r"^label differences +0 of 48,842$", retrained.stdout, re.MULTILINE)
        assert read_json(retrained.output / "model.json")["sha256"] in retrained.stdout


def test_predictions_are_those_of_scikit_learn(retrained: Retrained, splits: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    test = splits[1]
    stored = pd.read_csv(adult.DEFAULT_PREDICTIONS)
    assert stored["label"].tolist() == retrained.pipeline.predict(test[adult.COLUMNS]).tolist()
    expected = retrained.pipeline.predict_proba(test[adult.COLUMNS])[:, 1]
    np.testing.assert_allclose(stored["probability"], expected, rtol=0, atol=GOLDEN.absolute)


class TestCommandLine:
    def test_help_is_written_like_that_of_the_other_scripts(self, tmp_path: Path) -> None:
        result = run_cli("--help", cwd=tmp_path)
        assert result.returncode == 0
        assert result.stdout.startswith("Usage: adult.py")
        assert result.stderr == ""
        for option in ("--data", "--output", "--joblib", "--predictions"):
            assert option in result.stdout

    def test_an_unknown_option_exits_2(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as exit_info:
            adult.main(["--trees", "3"])
        assert exit_info.value.code == 2
        assert capsys.readouterr().err.startswith("Usage: adult.py")

    def test_a_missing_data_folder_is_one_line(self, tmp_path: Path) -> None:
        result = run_cli("--data", "no such folder", "--output", "out", cwd=tmp_path)
        assert result.returncode == 1
        assert one_line(result.stderr) == "adult.py: the data folder no such folder doesn't exist"
        assert not (tmp_path / "out").exists()

    def test_trains_on_other_data_and_says_so(
        self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = adult.DEFAULT_PREDICTIONS.read_bytes()
        assert adult.main(["--data", str(small_data), "--output", str(tmp_path / "out")]) == 0
        assert "adult.data is not UCI's file" in capsys.readouterr().out
        metrics = read_json(tmp_path / "out" / "model.json")["metrics"]
        assert metrics["rows"] == 99
        assert metrics["split"] == "a test split of our own (adult.test)"
        assert adult.DEFAULT_PREDICTIONS.read_bytes() == before


class TestFaults:
    """Each fault is one line on stderr and exit code 1, and writes nothing."""

    def fail(self, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
        output = tmp_path / "out"
        assert adult.main(["--data", str(data), "--output", str(output), *more]) == 1
        assert not output.exists()
        return one_line(capsys.readouterr().err)

    def test_a_missing_file(self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (small_data / "adult.test").unlink()
        assert "no adult.test.gz and no adult.test in" in self.fail(small_data, tmp_path, capsys)

    def test_a_truncated_gzip_file(self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (small_data / "adult.data.gz").write_bytes((DATA / "adult.data.gz").read_bytes()[:1000])
        assert "adult.data.gz is not a whole gzip file" in self.fail(small_data, tmp_path, capsys)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("39, State-gov, 77516", "adult.data, line 401: 3 fields instead of 15"),
            ("x" + ", 1" * 15, "adult.data, line 401: 16 fields instead of 15"),
            ("old, a, 1, b, 1, c, d, e, f, g, 0, 0, 40, h, <=50K", "column age holds something"),
            ("3.5, a, 1, b, 1, c, d, e, f, g, 0, 0, 40, h, <=50K", "column age holds something"),
            ("39,, 1, b, 1, c, d, e, f, g, 0, 0, 40, h, <=50K", "column workclass has an empty cell"),
            ("39, a, 1, b, 1, c, d, e, f, g, 0, 0, 40, h, rich", "labels are not exactly ' <=50K' and ' >50K'"),
        ],
    )
    def test_a_bad_row(
        self, line: str, message: str, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with (small_data / "adult.data").open("a") as file:
            file.write(f"{line}\n")
        assert message in self.fail(small_data, tmp_path, capsys)

    @pytest.mark.parametrize(("content", "message"), [(b"", "has no rows"), (b"\xff\xfe", "is not UTF-8 text")])
    def test_no_table(
        self, content: bytes, message: str, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (small_data / "adult.data").write_bytes(content)
        assert message in self.fail(small_data, tmp_path, capsys)

    def test_a_changed_file_in_the_default_folder(
        self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adult, "DEFAULT_DATA", small_data)
        assert "its SHA-256 differs" in self.fail(small_data, tmp_path, capsys)

    def test_an_exact_tie(self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        # 50 pure trees, half for each class: 0.5 in float64, 0.50000006 in float32.
        lines = gzip.decompress((DATA / "adult.test.gz").read_bytes()).splitlines(keepends=True)
        (small_data / "adult.test").write_bytes(b"".join(lines[:400]))
        message = self.fail(small_data, tmp_path, capsys)
        assert "1 label differences in 799 rows" in message
        assert "nothing was written" in message

    def test_a_date_that_is_none(
        self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
        assert "SOURCE_DATE_EPOCH is not a number" in self.fail(small_data, tmp_path, capsys)

    def test_a_folder_where_a_file_should_go(
        self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "is a folder, not a file" in self.fail(small_data, tmp_path, capsys, "--joblib", str(tmp_path))

    @pytest.mark.parametrize(
        "answer", [adult.Agreement(9, 1, 0.0), adult.Agreement(9, 0, 1e-6), adult.Agreement(9, 0, float("nan"))]
    )
    def test_answers_that_differ_from_scikit_learn(
        self,
        answer: adult.Agreement,
        small_data: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(adult, "compare", lambda *_: answer)
        assert "ONNX Runtime doesn't give scikit-learn's answers" in self.fail(small_data, tmp_path, capsys)

    def test_an_interruption(
        self, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(_: pd.DataFrame) -> Pipeline:
            raise KeyboardInterrupt

        monkeypatch.setattr(adult, "fit", interrupt)
        assert adult.main(["--data", str(small_data), "--output", str(tmp_path / "out")]) == 130
        assert one_line(capsys.readouterr().err) == "adult.py: interrupted"
        assert not (tmp_path / "out").exists()


def test_comparison_sees_a_model_that_answers_otherwise(small_data: Path) -> None:
    training, test, _ = adult.load(small_data, adult.Progress())
    pipeline, other = adult.fit(training), adult.fit(training.iloc[:200])
    agreement = adult.compare(pipeline, adult.export(other), test)
    assert agreement.label_differences > 0
    assert agreement.probability_difference > 1e-6


def test_a_failed_write_leaves_the_old_files(tmp_path: Path) -> None:
    kept = tmp_path / "model.onnx"
    kept.write_bytes(b"old")
    with pytest.raises(OSError):
        adult.write_all({kept: b"new", kept / "below a file": b"new"})
    assert kept.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [kept]
