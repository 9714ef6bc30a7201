"""What cost.py and housing.py have in common: the file of a user, the split, the measures, the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python" / "src"))

import pandas as pd
from servemodel.exporting import Export, export_model, summary
from servemodel.command_line import HelpFormatter, Progress, exit_code
from servemodel.errors import ExportError
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

MODELS = Path(__file__).resolve().parents[3] / "models"
MEASURES: dict[str, Callable[..., float]] = {
    "r2": r2_score,
    "mean_absolute_error": mean_absolute_error,
    "root_mean_squared_error": root_mean_squared_error,
}
LEAST_ROWS = 20


def complete_rows(frame: pd.DataFrame, names: Sequence[str], path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """[N, len(names)] the columns of a user's frame without the rows that lack a cell.

    Raises ExportError when a column is missing or has another type, or when there are too few rows.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ExportError(f"{path} has no column {', '.join(missing)}")
    complete = frame[list(names)].dropna().reset_index(drop=True)
    if len(complete) < LEAST_ROWS:
        raise ExportError(f"{path} has {len(complete)} complete rows; {LEAST_ROWS} are needed at least")
    for name in names:
        if (name in texts) == pd.api.types.is_numeric_dtype(complete[name]):
            held = "numbers" if name in texts else "something else than numbers"
            raise ExportError(f"{path}: column {name} holds {held}")
    return complete


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four fifths to train on, one to measure on."""
    training, test = train_test_split(frame, test_size=0.2, random_state=0)
    return training, test


def run(
    name: str,
    arguments: Sequence[str] | None,
    *,
    about: str,
    data: str,
    synthetic: Callable[[], pd.DataFrame],
    read: Callable[[Path], pd.DataFrame],
    made_up: str,
    fit: Callable[[pd.DataFrame], Any],
    columns: Sequence[str],
    target: str,
    measures: Sequence[str],
    card: Callable[[Export, str, int], str],
    describe: Callable[[bool], str],
    integers: Callable[[pd.DataFrame], list[str]] = lambda training: [],
    answer: dict[str, Any],
) -> int:
    """Train, measure and export, as the command line says.

    about, data: for --help. made_up: what the card says of synthetic rows. measures: names of MEASURES.
    Exit code: 0 done, 1 failed with one line on stderr, 2 wrong options, 130 interrupted.
    """
    parser = argparse.ArgumentParser(
        prog=f"{name}.py",
        formatter_class=HelpFormatter,
        description=f"{about} and write its version folder. Without --data the rows are made up, always the same.",
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help=data)
    parser.add_argument("--output", type=Path, default=MODELS / name / "1", metavar="DIR", help="version folder to write")
    options = parser.parse_args(arguments)

    def work() -> None:
        progress = Progress()
        own = options.data is not None
        frame = read(options.data) if own else synthetic()
        origin = f"{len(frame):,} complete rows of the file {options.data.name}." if own else made_up
        training, test = split(frame)
        progress.step(f"Fitting on {len(training):,} rows")
        model = fit(training)
        said = model.predict(test[list(columns)])
        metrics: dict[str, float | int | str] = {key: float(MEASURES[key](test[target], said)) for key in measures}
        progress.step("Exporting, and comparing on every row")
        export = export_model(
            model,
            training,
            options.output,
            also=test,
            target=target,
            description=describe(own),
            integers=integers(training),
            routes=["/predict"],
            answer=answer,
            metrics={**metrics, "rows": len(test), "split": "a fifth of the rows, seed 0"},
            card=lambda export: card(export, origin, len(training)),
        )
        summary(export)

    return exit_code(parser.prog, work)
