"""text/1 against scikit-learn, on texts that ONNX's own tokenizer reads otherwise."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import text
from conftest import ROOT, SCRIPTS, read_json, run_script

from servemodel.edges import NASTY_TEXTS
from servemodel.answers import Form, library_answers
from servemodel.graphs import Graph
from servemodel.parity import PROBABILITY_TOLERANCE, Session, compare
from servemodel.signature import Column

FOLDER = ROOT / "models" / "text" / "1"
COLUMNS = [Column("text", "string")]
# Python's lower-casing depends on neighbouring letters here; the graph's doesn't.
CAPITAL_SIGMA = "\u03a3"


@pytest.fixture(scope="module")
def pipeline():
    training = text.read(text.DATA / "train.jsonl.gz")
    return text.build_pipeline().fit(training["text"], training["label"])


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(Graph(onnx.load(FOLDER / "model.onnx")), COLUMNS)


def differences(pipeline, session: Session, texts: list[str]) -> list[str]:
    """Texts whose answers differ."""
    frame = pd.DataFrame({"text": texts})
    form = Form("classification", (tuple(pipeline.classes_),), numbers="probabilities")
    agreement = compare(library_answers(pipeline, frame, form), session.answer(frame), 1e-6, True)
    return [texts[row][:80] for row in (*agreement.label_differences, *agreement.beyond)]


def test_accents_punctuation_nothing_at_all_and_very_long_texts(pipeline, session: Session) -> None:
    words = list(pipeline.named_steps["counts"].vocabulary_)
    long = " ".join(random.Random(1).choices(words, k=20_000))
    assert differences(pipeline, session, [*NASTY_TEXTS, long, "é" * 1_000_000, "café, CAFÉ; cafe\u0301 crème!"]) == []


def test_the_texts_that_shipped_test_sends_have_the_librarys_answers(pipeline) -> None:
    """texts.json, which shipped.test.ts sends over HTTP."""
    sent = json.loads((SCRIPTS / "texts.json").read_text(encoding="utf-8"))
    texts = [row["text"] * row["times"] for row in sent]
    assert texts[0] == "" and max(map(len, texts)) >= 1_000_000
    assert [row["label"] for row in sent] == pipeline.predict(texts).tolist()
    np.testing.assert_allclose([row["probabilities"] for row in sent], pipeline.predict_proba(texts), rtol=0, atol=1e-9)


def test_every_character_within_and_between_words(pipeline, session: Session) -> None:
    codes = [code for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    # All up to the end of the common scripts, then every 16th plane-wise: all of them take a minute.
    chosen = [code for code in codes if code < 0x3400 or code % 16 == 5 or 0xFE00 <= code < 0x10000]
    texts = [
        f"par{chr(code)}cel invoice{chr(code)} {chr(code)}password m{chr(code)}y{chr(code)}login" for code in chosen
    ]
    assert len(texts) > 80_000
    assert differences(pipeline, session, texts) == []


def test_random_texts(pipeline, session: Session) -> None:
    source = random.Random(0)
    words = [*pipeline.named_steps["counts"].vocabulary_]
    glue = [
        " ",
        "",
        "'",
        "\u2019",
        "-",
        "\n",
        "\u00a0",
        "\u0130",
        "I\u0307",
        "\u0131",
        "_",
        "1",
        "ß",
        "\u0301",
        "ſ",
        "Ⅷ",
        "😀",
        "日本",
    ]

    def make() -> str:
        parts = []
        for _ in range(source.randrange(12)):
            word = source.choice(words)
            parts += [source.choice([word, word.upper(), word.title()]), source.choice(glue)]
        return "".join(parts)

    assert differences(pipeline, session, [make() for _ in range(20_000)]) == []


def test_the_model_knows_no_greek_word_with_a_sigma_at_its_end(pipeline, session: Session) -> None:
    """A model in which its one known difference has no effect."""
    assert not [word for word in pipeline.named_steps["counts"].vocabulary_ if word.endswith(("σ", "ς"))]
    assert (
        differences(pipeline, session, [f"my parcel {CAPITAL_SIGMA} ΛΑΘΟ{CAPITAL_SIGMA} invoice{CAPITAL_SIGMA}"]) == []
    )


def test_the_answers_to_a_batch_are_those_to_single_texts(session: Session) -> None:
    texts = ["", "my parcel", "word " * 1000, "invoice twice", "?!"]
    batch = session.answer(pd.DataFrame({"text": texts}))
    for row, one in enumerate(texts):
        alone = session.answer(pd.DataFrame({"text": [one]}))
        assert alone.predictions[0] == batch.predictions[row]
        # ONNX Runtime multiplies a row and a matrix by different code, whose sums depend on the processor.
        near = alone.numbers[0], batch.numbers[row]
        np.testing.assert_allclose(*near, rtol=0, atol=PROBABILITY_TOLERANCE)


class TestOtherFiles:
    def write(self, path: Path, rows: list[dict[str, object]]) -> Path:
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
        return path

    def test_two_classes_of_a_user(self, tmp_path: Path) -> None:
        rows = [{"text": f"good and fine {n}", "label": 1} for n in range(10)]
        rows += [{"text": f"bad and ugly {n}", "label": 0} for n in range(10)]
        train, test = (self.write(tmp_path / f"{name}.jsonl.gz", rows) for name in ("mine", "others"))
        output = tmp_path / "text" / "2"
        result = run_script(SCRIPTS / "text.py", "--train", train, "--test", test, "--output", output)
        assert result.returncode == 0, result.stderr
        members = read_json(output / "model.json")
        assert members["outputs"]["classes"] == ["0", "1"]
        assert members["metrics"] == {"roc_auc": 1.0, "accuracy": 1.0, "rows": 20, "split": "others.jsonl.gz"}
        assert "20 texts of mine.jsonl.gz" in (output / "CARD.md").read_text()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"text": "x"}', 'line 2: not a JSON object with "text" and "label"'),
            ("text", "line 2: not a JSON object"),
            ('["x", "y"]', "line 2: not a JSON object"),
            ('{"text": 3, "label": "a"}', "line 2: the text is no text"),
            ('{"text": "x", "label": 0.5}', "line 2: the text is no text, or the label"),
            ('{"text": "x", "label": "a"}', "has fewer than two labels"),
        ],
    )
    def test_a_bad_line_is_named(self, line: str, message: str, tmp_path: Path, capsys) -> None:
        path = tmp_path / "train.jsonl"
        path.write_text('{"text": "x y", "label": "a"}\n' + line + "\n")
        assert text.main(["--train", str(path), "--output", str(tmp_path / "text" / "1")]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1

    @pytest.mark.parametrize(
        ("content", "message"), [(None, "there is no file"), (b"\x1f\x8b\x00", "is not gzipped UTF-8 text")]
    )
    def test_a_bad_file_is_named(self, content: bytes | None, message: str, tmp_path: Path, capsys) -> None:
        path = tmp_path / "train.jsonl.gz"
        if content is not None:
            path.write_bytes(content)
        assert text.main(["--train", str(path), "--output", str(tmp_path / "text" / "1")]) == 1
        assert message in capsys.readouterr().err
