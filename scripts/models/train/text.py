#!/usr/bin/env python3
"""Train text/1: word counts, tf-idf and naive Bayes on labelled texts, one JSON object {"text", "label"} a line."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python" / "src"))

import pandas as pd
from servemodel.exporting import Export, export_model, summary
from servemodel.command_line import HelpFormatter, Progress, exit_code, with_fixed_hashes
from servemodel.errors import ExportError
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline

MODELS = Path(__file__).resolve().parents[3] / "models"
DATA = MODELS / "text" / "data"


def read(path: Path) -> pd.DataFrame:
    """[N, 2] frame of the texts and their labels, as texts. The file may be gzipped.

    Raises ExportError naming the line that is wrong, counted from 1.
    """
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8").split("\n")
    except FileNotFoundError:
        raise ExportError(f"there is no file {path}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ExportError(f"{path} is not gzipped UTF-8 text: {error}") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, label = row["text"], row["label"]
        except (ValueError, KeyError, TypeError):
            raise ExportError(f'{path.name}, line {number}: not a JSON object with "text" and "label"') from None
        if not isinstance(text, str) or isinstance(label, (bool, float)) or not isinstance(label, (str, int)):
            raise ExportError(f"{path.name}, line {number}: the text is no text, or the label neither text nor integer")
        rows.append((text, str(label)))
    if len({label for _, label in rows}) < 2:
        raise ExportError(f"{path.name} has fewer than two labels")
    return pd.DataFrame(rows, columns=["text", "label"])


def build_pipeline() -> Pipeline:
    """The unfitted pipeline; it takes texts [N]."""
    return Pipeline([("counts", CountVectorizer()), ("tfidf", TfidfTransformer()), ("bayes", MultinomialNB())])


def roc_auc(pipeline: Pipeline, frame: pd.DataFrame) -> float:
    """Area under the ROC curve; with more than two classes the mean of each against the rest.

    Raises ExportError unless the frame has all the classes, and no other.
    """
    if set(frame["label"]) != set(pipeline.classes_):
        raise ExportError("the test file doesn't have the labels of the training file")
    scores = pipeline.predict_proba(frame["text"])
    if len(pipeline.classes_) == 2:
        return float(roc_auc_score(frame["label"] == pipeline.classes_[1], scores[:, 1]))
    return float(roc_auc_score(frame["label"], scores, multi_class="ovr", labels=pipeline.classes_))


def card(export: Export, data: str, words: int) -> str:
    metrics = export.metrics
    return f"""# Model card: text, version 1

Says what a text is about. Classes and words are those of the training file.

## Use

As shipped it sorts messages of customers of a shop into `account`, `delivery` and `payment`. It is small enough to be read
and tested as a whole; real use begins with messages of your own. `POST /prediction {{"text": "…"}}` answers `{{"label": "…"}}`.

## Data

{data}

## Training

`CountVectorizer` (words of two and more letters, lower case), `TfidfTransformer`, `MultinomialNB`, all with their defaults:
{words} words. Nothing was tuned.

```sh
.venv/bin/python scripts/models/train/text.py --train train.jsonl.gz --test test.jsonl.gz
```

## Quality on {metrics["split"]}

| figure | value |
| --- | --- |
| ROC AUC (mean of each class against the rest) | {metrics["roc_auc"]:.4f} |
| accuracy | {metrics["accuracy"]:.4f} |
| texts | {metrics["rows"]} |

## The same words as scikit-learn's

ONNX has a tokenizer of its own, which knows other letters than Python and lower-cases in another order. The export puts
the characters that Python's `\\w` matches into the graph, cuts words before it lower-cases them, and treats `İ` as Python
does. ONNX Runtime's probabilities are within {max(export.agreement.largest, export.edges.largest):.1e} of scikit-learn's on all texts of both files and on
{export.edges.rows} generated ones (accents, other scripts, punctuation, emoji, nothing at all, 50,000 characters); a test tries
every Unicode character within and between words.

## Limits

- **One language.** A text without a known word gets the shares of the classes in the training file.
- **Capital sigma.** Python lower-cases Σ at the end of a Greek word to ς, the graph to σ: it matters only to a model that
  was trained on Greek, for words in capitals.
- **Short texts** are decided by one or two words; the probabilities are those of naive Bayes, and not calibrated.
"""


SHIPPED = """240 messages that the authors of this server wrote for it, 80 of each class, in English with some foreign names and words;
Apache-2.0 like the rest. Every fourth is in `../data/test.jsonl.gz` (60), the others in `../data/train.jsonl.gz` (180). They
are invented, short and cleaner than real ones, and one kind of people wrote both files: expect worse figures in use."""


def work(options: argparse.Namespace) -> None:
    progress = Progress()
    progress.step(f"Reading {options.train} and {options.test}")
    training, test = read(options.train), read(options.test)
    progress.step(f"Fitting on {len(training):,} texts")
    try:
        pipeline = build_pipeline().fit(training["text"], training["label"])
    except ValueError as error:
        raise ExportError(f"{options.train}: {error}") from None
    own = (options.train, options.test) == (DATA / "train.jsonl.gz", DATA / "test.jsonl.gz")
    metrics: dict[str, float | int | str] = {
        "roc_auc": roc_auc(pipeline, test),
        "accuracy": float(accuracy_score(test["label"], pipeline.predict(test["text"]))),
        "rows": len(test),
        "split": "test.jsonl.gz" if own else options.test.name,
    }
    data = SHIPPED if own else f"{len(training):,} texts of {options.train.name}, {len(test):,} of {options.test.name}."
    progress.step("Exporting, and comparing on every text")
    export = export_model(
        pipeline,
        training,
        options.output,
        also=test,
        target="label",
        description="What is this text about? Word counts, tf-idf and naive Bayes.",
        example={"text": str(training["text"].iloc[0])},
        routes=["/prediction"],
        answer={"key": "label"},
        metrics=metrics,
        card=lambda export: card(export, data, len(pipeline.named_steps["counts"].vocabulary_)),
    )
    summary(export)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="text.py",
        formatter_class=HelpFormatter,
        description='Train a text classifier from lines {"text": "…", "label": "…"} and write its version folder.',
    )
    parser.add_argument("--train", type=Path, default=DATA / "train.jsonl.gz", metavar="FILE", help="texts to train on")
    parser.add_argument("--test", type=Path, default=DATA / "test.jsonl.gz", metavar="FILE", help="texts to measure on")
    parser.add_argument("--output", type=Path, default=MODELS / "text" / "1", metavar="DIR",
                        help="version folder to write")  # fmt: skip
    options = parser.parse_args(arguments)
    return exit_code("text.py", lambda: work(options))


if __name__ == "__main__":
    with_fixed_hashes()
    sys.exit(main())
