#!/usr/bin/env python3
"""Train the default model (UCI Adult Census income) and export it for the server.

Reads the data folder, fits a scikit-learn pipeline, exports it to ONNX, checks that ONNX Runtime gives
scikit-learn's answers on every row, and only then writes model.onnx, model.json, golden.json and background.json.

Shapes in this file: N rows, 14 input columns, 2 classes. Probabilities lie in [0, 1].
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python" / "src"))

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    import joblib
    import numpy as np
    import onnx
    import onnxruntime
    import pandas as pd
    import sklearn
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    from servemodel.background import background_json
    from servemodel.command_line import HelpFormatter, Progress, exit_code
    from servemodel.covers import write_covers
    from servemodel.distribution import with_distributions
    from servemodel.documents import creation_date, significant, to_json_document, write_all
    from servemodel.errors import ExportError as TrainingError
    from servemodel.signature import Column
except ImportError as error:
    sys.exit(f"adult.py: {error}; install the packages with: pip install -r scripts/models/requirements.txt")

ROOT = Path(__file__).resolve().parents[3]
DEFAULT_DATA = ROOT / "models" / "adult" / "data"
DEFAULT_OUTPUT = ROOT / "models" / "adult" / "1"
DEFAULT_PREDICTIONS = DEFAULT_DATA / "predictions-1.csv.gz"

TRAINING_FILE = "adult.data"
TEST_FILE = "adult.test"
# Of the uncompressed files, as UCI serves them.
OFFICIAL_SHA256 = {
    TRAINING_FILE: "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
    TEST_FILE: "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
}

COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
]
NUMERIC = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
CATEGORICAL = [name for name in COLUMNS if name not in NUMERIC]
LABEL = "income"
CLASSES = [" <=50K", " >50K"]

# The server promises scikit-learn's answers; float32 sums of 50 trees stay well below this.
MAX_PROBABILITY_DIFFERENCE = 1e-6
# The label of a golden row this close to 0.5 may differ in float32 without a fault.
TIE_MARGIN = 1e-3

EXAMPLE_ROW = [
    25, " Private", 32275, " Some-college", 10, " Married-civ-spouse", " Exec-managerial",
    " Wife", " Other", " Female", 0, 0, 40, " United-States",
]  # fmt: skip
SPREAD_ROWS = 22
# Below 2^53, and float32 holds it: the server refuses integers that the graph's tensor doesn't.
LARGEST_HELD_INTEGER = 2**53 - 2**29
# Values that a client may send and training never saw; each replaces cells of a real row.
EDGE_CASES: list[dict[str, Any]] = [
    {"age": None},
    {"capital-gain": None, "capital-loss": None},
    dict.fromkeys(NUMERIC),
    {"workclass": "Private"},
    {"occupation": ""},
    {name: "" for name in CATEGORICAL},
    {"native-country": " Côte d'Ivoire", "education": " 学士"},
    {"fnlwgt": LARGEST_HELD_INTEGER, "capital-gain": 2**31},
    {"age": -1, "fnlwgt": -LARGEST_HELD_INTEGER, "capital-loss": -(2**31) - 2**8},
]


@dataclass(frozen=True)
class Agreement:
    """How far ONNX Runtime is from scikit-learn on `rows` rows."""

    rows: int
    label_differences: int
    probability_difference: float  # the largest, absolute


# --- data ---------------------------------------------------------------------------------------


def read_bytes(folder: Path, name: str) -> bytes:
    """The uncompressed content of `name` in `folder`, where it may stand with or without .gz."""
    compressed, plain = folder / f"{name}.gz", folder / name
    try:
        if compressed.exists():
            return gzip.decompress(compressed.read_bytes())
        return plain.read_bytes()
    except FileNotFoundError:
        raise TrainingError(f"no {name}.gz and no {name} in the data folder {folder}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TrainingError(f"{compressed} is not a whole gzip file: {error}") from None


def is_official(name: str, content: bytes) -> bool:
    """Whether the content is byte for byte the file that UCI serves."""
    return hashlib.sha256(content).hexdigest() == OFFICIAL_SHA256[name]


def data_lines(name: str, content: bytes) -> list[str]:
    """The rows of the file as text, without blank lines and UCI's `|` comment line."""
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise TrainingError(f"{name} is not UTF-8 text: {error}") from None
    width = len(COLUMNS) + 1
    kept = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("|"):
            continue
        # pandas would silently fill or shift such a row.
        if line.count(",") != width - 1:
            raise TrainingError(f"{name}, line {number}: {line.count(',') + 1} fields instead of {width}")
        kept.append(line)
    if not kept:
        raise TrainingError(f"{name} has no rows")
    return kept


def check_frame(name: str, frame: pd.DataFrame) -> None:
    """Refuse values that the signature in model.json could not describe."""
    for column in NUMERIC:
        values = frame[column]
        if not pd.api.types.is_numeric_dtype(values) or not (values.dropna() % 1 == 0).all():
            raise TrainingError(f"{name}: column {column} holds something that is not a whole number")
    for column in CATEGORICAL:
        # skl2onnx writes a missing category as the text "nan", which a client's "nan" would match.
        if not pd.api.types.is_string_dtype(frame[column]) or frame[column].isna().any():
            raise TrainingError(f"{name}: column {column} has an empty cell or is not text")
    if sorted(frame[LABEL].dropna().unique()) != CLASSES or frame[LABEL].isna().any():
        raise TrainingError(f"{name}: the labels are not exactly {CLASSES[0]!r} and {CLASSES[1]!r}")


def parse(name: str, content: bytes) -> pd.DataFrame:
    """[N, 15] frame of one data file: 14 inputs and the label. Strings keep their leading space."""
    text = "\n".join(data_lines(name, content))
    frame = pd.read_csv(io.StringIO(text), header=None, names=[*COLUMNS, LABEL])
    if pd.api.types.is_string_dtype(frame[LABEL]):
        # The labels of the official test split end in a full stop.
        frame[LABEL] = frame[LABEL].str.removesuffix(".")
    check_frame(name, frame)
    return frame


def load(folder: Path, progress: Progress) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The training frame, the test frame and what to call the latter. Only the default folder must be official."""
    if not folder.is_dir():
        raise TrainingError(f"the data folder {folder} doesn't exist")
    frames = []
    split = f"official test split ({TEST_FILE})"
    for name in (TRAINING_FILE, TEST_FILE):
        content = read_bytes(folder, name)
        if not is_official(name, content):
            if folder.resolve() == DEFAULT_DATA.resolve():
                raise TrainingError(f"{name} in {folder} is not UCI's file: its SHA-256 differs")
            split = f"a test split of our own ({TEST_FILE})"
            progress.step(f"Note: {name} is not UCI's file, so the figures of the model card don't apply")
        frames.append(parse(name, content))
    return frames[0], frames[1], split


# --- model --------------------------------------------------------------------------------------


def build_pipeline() -> Pipeline:
    """The unfitted pipeline. Trees need no scaler, and a float32 one would move their thresholds."""
    encode = ColumnTransformer(
        [
            ("categorical", OneHotEncoder(handle_unknown="ignore"), CATEGORICAL),
            ("numeric", SimpleImputer(strategy="constant", fill_value=0), NUMERIC),
        ]
    )
    forest = RandomForestClassifier(n_estimators=50, max_depth=20, random_state=0)
    return Pipeline([("encode", encode), ("forest", forest)])


def fit(frame: pd.DataFrame) -> Pipeline:
    """The pipeline fitted on an [N, 15] frame."""
    # Each tree has a seed of its own, so the forest is the same on any number of cores ...
    pipeline = build_pipeline().set_params(forest__n_jobs=-1)
    pipeline.fit(frame[COLUMNS], frame[LABEL])
    # ... but the order in which threads add up probabilities is not.
    return pipeline.set_params(forest__n_jobs=None)


def export(pipeline: Pipeline) -> onnx.ModelProto:
    """The fitted pipeline as ONNX: one [N, 1] input per column, a label and an [N, 2] float output."""
    # Whole numbers are floats too: an integer tensor has no NaN for a missing value.
    inputs = [
        (name, FloatTensorType([None, 1]) if name in NUMERIC else StringTensorType([None, 1])) for name in COLUMNS
    ]
    model = convert_sklearn(
        pipeline,
        # Without a name skl2onnx makes up a random one, and the digest would differ each time.
        name="adult",
        initial_types=inputs,
        target_opset={"": 18, "ai.onnx.ml": 3},
        # With its default, a ZipMap, the probabilities are no tensor and Node can't read them.
        options={id(pipeline): {"zipmap": False}},
    )
    write_covers(model, pipeline.named_steps["forest"])
    onnx.checker.check_model(model)
    return model


def onnx_feeds(model: onnx.ModelProto, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Tensors [N, 1] per graph input: float32 for numbers (missing: NaN), objects for strings."""
    # By position: skl2onnx rewrites names ("education-num" becomes "education_num").
    return {
        graph_input.name: frame[[name]].to_numpy(np.float32 if name in NUMERIC else object)
        for name, graph_input in zip(COLUMNS, model.graph.input, strict=True)
    }


def run_onnx(model: onnx.ModelProto, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Labels [N] and probabilities [N, 2] (float32) as ONNX Runtime answers them."""
    options = onnxruntime.SessionOptions()
    # One thread adds up the trees in one order, as the server's threads do.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    labels, probabilities = session.run([o.name for o in model.graph.output], onnx_feeds(model, frame))
    return labels, probabilities


def compare(pipeline: Pipeline, model: onnx.ModelProto, frame: pd.DataFrame) -> Agreement:
    """ONNX Runtime against scikit-learn on the 14 input columns of `frame`."""
    labels, probabilities = run_onnx(model, frame)
    expected = pipeline.predict_proba(frame[COLUMNS])
    return Agreement(
        rows=len(frame),
        label_differences=int((labels != pipeline.predict(frame[COLUMNS])).sum()),
        probability_difference=float(np.abs(probabilities - expected).max()),
    )


def require_agreement(agreement: Agreement) -> None:
    """Refuse a model whose ONNX form and scikit-learn give different answers."""
    close = agreement.probability_difference < MAX_PROBABILITY_DIFFERENCE
    if agreement.label_differences > 0 or not close:
        raise TrainingError(
            f"ONNX Runtime doesn't give scikit-learn's answers: {agreement.label_differences} label differences in "
            f"{agreement.rows} rows, largest probability difference {agreement.probability_difference:.1e} "
            f"(must be below {MAX_PROBABILITY_DIFFERENCE:.0e}); nothing was written"
        )


# --- golden rows --------------------------------------------------------------------------------


def frame_of(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """[N, 14] frame of rows as they stand in golden.json; null becomes NaN."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({name: "float64" for name in NUMERIC})


def row_of(frame: pd.DataFrame, index: int) -> list[Any]:
    """One row as JSON values."""
    row = frame[COLUMNS].iloc[index]
    return [(None if pd.isna(row[name]) else int(row[name])) if name in NUMERIC else str(row[name]) for name in COLUMNS]


def spread_over_scores(scores: np.ndarray, count: int) -> list[int]:
    """Indexes of up to `count` rows whose scores ([N], in [0, 1]) lie nearest to evenly spaced points."""
    chosen: list[int] = []
    for target in np.linspace(0, 1, count):
        nearest = int(np.abs(scores - target).argmin())
        if nearest not in chosen:
            chosen.append(nearest)
    return chosen


def golden_rows(pipeline: Pipeline, test: pd.DataFrame) -> list[list[Any]]:
    """The example row, real rows over the whole score range, then edge cases; none near a tie."""
    scores = pipeline.predict_proba(test[COLUMNS])[:, 1]
    real = [row_of(test, index) for index in spread_over_scores(scores, SPREAD_ROWS)]
    edges = []
    for number, changes in enumerate(EDGE_CASES):
        # A stride through the real rows, so that edge cases have low and high scores too.
        base = real[(number * 7) % len(real)]
        edges.append([changes.get(name, value) for name, value in zip(COLUMNS, base, strict=True)])
    rows = [EXAMPLE_ROW, *real, *edges]
    margins = np.abs(pipeline.predict_proba(frame_of(rows))[:, 1] - 0.5)
    return [row for row, margin in zip(rows, margins, strict=True) if margin > TIE_MARGIN]


# --- files --------------------------------------------------------------------------------------


def input_signature(pipeline: Pipeline, model: onnx.ModelProto, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry per column in file order: how a client names it, and what it may hold."""
    encoder = pipeline.named_steps["encode"].named_transformers_["categorical"]
    categories = dict(zip(CATEGORICAL, encoder.categories_, strict=True))
    signature: list[dict[str, Any]] = []
    for name, graph_input, example in zip(COLUMNS, model.graph.input, EXAMPLE_ROW, strict=True):
        entry: dict[str, Any] = {"name": name, "onnx": graph_input.name}
        if name in NUMERIC:
            bounds = [int(frame[name].min()), int(frame[name].max())]
            entry |= {"type": "integer", "nullable": True, "range": bounds}
        else:
            entry |= {"type": "string", "nullable": False, "categories": [str(c) for c in categories[name]]}
        signature.append(entry | {"example": example})
    return signature


def model_json(
    pipeline: Pipeline,
    model: onnx.ModelProto,
    training: pd.DataFrame,
    created: str,
    digest: str,
    metrics: dict[str, Any],
) -> bytes:
    """The signature and facts that the server reads beside model.onnx."""
    label, probabilities = (output.name for output in model.graph.output)
    members = {
        "description": "Does a person earn more than 50,000 dollars a year? "
        "Random forest on the UCI Adult (Census Income) data of 1994.",
        "task": "classification",
        "framework": f"scikit-learn {sklearn.__version__}",
        "created": created,
        "sha256": digest,
        "inputs": input_signature(pipeline, model, training),
        "outputs": {"label": label, "probabilities": probabilities, "classes": [str(c) for c in pipeline.classes_]},
        "metrics": metrics,
    }
    labels, _ = run_onnx(model, training)
    return to_json_document(with_distributions(members, training, labels), listed=["inputs"])


def golden_json(pipeline: Pipeline, rows: list[list[Any]]) -> bytes:
    """Input rows with scikit-learn's own labels and probabilities."""
    frame = frame_of(rows)
    return to_json_document(
        {
            "columns": COLUMNS,
            "data": rows,
            "predictions": pipeline.predict(frame).tolist(),
            "probabilities": significant(pipeline.predict_proba(frame).tolist()),
        },
        listed=["data", "predictions", "probabilities"],
    )


def predictions_csv_gz(pipeline: Pipeline, frame: pd.DataFrame) -> bytes:
    """scikit-learn's label and probability of the second class (float64) for each row, as gzipped CSV."""
    labels = pipeline.predict(frame[COLUMNS]).tolist()
    scores = pipeline.predict_proba(frame[COLUMNS])[:, 1].tolist()
    lines = ["label,probability", *(f"{label},{score!r}" for label, score in zip(labels, scores, strict=True))]
    # A time stamp inside the file would change it at every run.
    return gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=9, mtime=0)


def joblib_bytes(pipeline: Pipeline) -> bytes:
    """The fitted pipeline for joblib.load."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=3)
    return buffer.getvalue()


# --- command line -------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options from the command line; every path may be relative to the current directory."""
    parser = argparse.ArgumentParser(
        prog="adult.py",
        formatter_class=HelpFormatter,
        description="Train the default model (UCI Adult Census income), check its ONNX export against scikit-learn "
        "on every row, and write model.onnx, model.json, golden.json and background.json.",
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR",
                        help="folder with adult.data and adult.test, gzipped or not")  # fmt: skip
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, metavar="DIR",
                        help="folder of the model version to write")  # fmt: skip
    parser.add_argument("--joblib", type=Path, default=argparse.SUPPRESS, metavar="PATH",
                        help="also keep the fitted pipeline here")  # fmt: skip
    parser.add_argument("--predictions", type=Path, default=argparse.SUPPRESS, metavar="PATH",
                        help="where scikit-learn's answers for the test split go, as gzipped CSV (default: "
                        f"{str(DEFAULT_PREDICTIONS).replace('%', '%%')} when --output has its default, "
                        "otherwise nowhere)")  # fmt: skip
    options = parser.parse_args(arguments)
    options.joblib = getattr(options, "joblib", None)
    is_default_output = options.output.resolve() == DEFAULT_OUTPUT.resolve()
    options.predictions = getattr(options, "predictions", DEFAULT_PREDICTIONS if is_default_output else None)
    return options


def check_destinations(options: argparse.Namespace) -> None:
    """Fail before the training rather than after it."""
    if options.output.exists() and not options.output.is_dir():
        raise TrainingError(f"--output {options.output} is not a folder")
    for name in ("joblib", "predictions"):
        path = getattr(options, name)
        if path is not None and path.is_dir():
            raise TrainingError(f"--{name} {path} is a folder, not a file")


def train(options: argparse.Namespace) -> None:
    """The whole run: read, fit, export, check, write, summarise."""
    progress = Progress()
    check_destinations(options)
    created = creation_date()
    versions = f"scikit-learn {sklearn.__version__}, onnxruntime {onnxruntime.__version__}"
    progress.step(f"Reading {options.data} ({versions})")
    training, test, split = load(options.data, progress)

    progress.step(f"Fitting 50 trees on {len(training):,} rows")
    pipeline = fit(training)
    accuracy = float((pipeline.predict(test[COLUMNS]) == test[LABEL].to_numpy()).mean())
    metrics = {"accuracy": accuracy, "rows": len(test), "split": split}

    progress.step("Exporting to ONNX")
    model = export(pipeline)
    model_bytes = model.SerializeToString()
    digest = hashlib.sha256(model_bytes).hexdigest()

    every_row = pd.concat([training, test], ignore_index=True)
    progress.step(f"Comparing ONNX Runtime with scikit-learn on {len(every_row):,} rows and the golden rows")
    rows = golden_rows(pipeline, test)
    agreement = compare(pipeline, model, every_row)
    require_agreement(agreement)
    require_agreement(compare(pipeline, model, frame_of(rows)))

    progress.step(f"Writing {options.output}")
    files = {
        options.output / "model.onnx": model_bytes,
        options.output / "model.json": model_json(pipeline, model, training, created, digest, metrics),
        options.output / "golden.json": golden_json(pipeline, rows),
    }
    columns = [Column(name, "integer" if name in NUMERIC else "string") for name in COLUMNS]
    if (compared := background_json(columns, training[COLUMNS])) is not None:
        files[options.output / "background.json"] = compared
    if options.predictions is not None:
        files[options.predictions] = predictions_csv_gz(pipeline, test)
    if options.joblib is not None:
        files[options.joblib] = joblib_bytes(pipeline)
    write_all(files)

    progress.step("Done")
    print(f"accuracy on the test split      {accuracy:.6f} ({len(test):,} rows)")
    print(f"label differences               {agreement.label_differences} of {agreement.rows:,}")
    print(f"largest probability difference  {agreement.probability_difference:.1e}")
    print(f"model.onnx                      {len(model_bytes):,} bytes, sha256 {digest}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed with one line on stderr, 2 wrong options, 130 interrupted."""
    options = parse_arguments(arguments)
    return exit_code("adult.py", lambda: train(options))


if __name__ == "__main__":
    sys.exit(main())
