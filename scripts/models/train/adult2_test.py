"""adult/2 against LightGBM on every row of both splits."""

from __future__ import annotations

import adult2
import numpy as np
import onnx
import pandas as pd
from conftest import ROOT, read_json
from models_test import columns_of

import adult
from servemodel.edges import typed
from servemodel.answers import Answers, Form, library_answers
from servemodel.graphs import Graph
from servemodel.parity import Session, compare

FOLDER = ROOT / "models" / "adult" / "2"
FORM = Form("classification", (tuple(adult.CLASSES),), numbers="probabilities")


def test_the_committed_file_answers_as_lightgbm_on_every_row_and_beats_version_1() -> None:
    training, test, split = adult.load(adult.DEFAULT_DATA, adult.Progress())
    pipeline = adult2.fit(training)
    columns = columns_of(FOLDER)
    rows = pd.concat([training, test], ignore_index=True)
    frame = typed(rows[adult.COLUMNS], columns)
    answers = Session(Graph(onnx.load(FOLDER / "model.onnx")), columns).answer(frame)
    agreement = compare(library_answers(pipeline, frame, FORM), answers, 1e-6)
    assert (agreement.rows, agreement.label_differences, agreement.beyond) == (48_842, (), ())

    accuracy = float((answers.predictions[len(training) :] == test[adult.LABEL].to_numpy()).mean())
    metrics = read_json(FOLDER / "model.json")["metrics"]
    assert metrics == {"accuracy": accuracy, "rows": 16_281, "split": split}
    assert accuracy >= 0.872
    assert accuracy > read_json(adult.DEFAULT_OUTPUT / "model.json")["metrics"]["accuracy"]


def test_is_smaller_than_2_mb_and_has_the_signature_of_version_1() -> None:
    assert (FOLDER / "model.onnx").stat().st_size < 2_000_000
    assert read_json(FOLDER / "model.json")["inputs"] == read_json(adult.DEFAULT_OUTPUT / "model.json")["inputs"]


def test_the_comparison_sees_a_wrong_row() -> None:
    right = Answers(np.array([["a"], ["b"]], dtype=object), np.array([[0.9, 0.1], [0.2, 0.8]]))
    wrong = Answers(np.array([["a"], ["a"]], dtype=object), np.array([[0.9, 0.1], [0.6, 0.4]]))
    agreement = compare(right, wrong, 1e-6)
    assert (agreement.label_differences, agreement.beyond, agreement.largest_row) == ((1,), (1,), 1)
