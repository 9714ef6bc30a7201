"""Tries every case: fits, exports, compares on rows that the model hasn't seen. Each in a process of its own.

    python fuzz.py FOLDER [NAME …]

Writes FOLDER/<number>/1 for each that is exported, FOLDER/<number>.held.json with held-out rows and the library's own answers, and
FOLDER/results.json.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "python" / "src")]

import numpy as np
import pandas as pd

from sklearn.base import is_outlier_detector
from sklearn.pipeline import Pipeline

import data
import servemodel
from cases import Case, all_cases, is_vectorizer
from servemodel import golden
from servemodel.exporting import export_model

warnings.simplefilter("ignore")
DEADLINE, PROCESSOR = 300, 60
"""Seconds of one case: on the clock, and of the processor, since others may share it."""
SEED = 0
BESIDE = 2
"""Cases at once."""


def _held(case: Case) -> pd.DataFrame:
    return case.frame.iloc[data.FITTED :].reset_index(drop=True)


def _try(case: Case, folder: Path) -> dict[str, Any]:
    frame = case.frame.iloc[: data.FITTED].reset_index(drop=True)
    try:
        model = case.fit(frame)
    except Exception as error:
        return {"unfit": f"{type(error).__name__}: {error}"}
    try:
        try:
            export = export_model(model, frame, folder / "1")
        except servemodel.ExportError as error:
            # What a user then does.
            if "--columns" not in str(error):
                raise
            export = export_model(model, frame, folder / "1", columns=list(frame.columns))
    except servemodel.ExportError as error:
        return {"refused": str(error), "partly": folder.exists()}
    except Exception:
        return {"crashed": traceback.format_exc()}
    held = _held(case)
    predictions, beside = library_says(model, held)
    # The server fails rows that the library answers with no number.
    numbers = predictions.astype("float64") if predictions.dtype.kind == "f" else np.zeros((len(held), 1))
    kept = np.isfinite(numbers.reshape(len(held), -1)).all(axis=1)
    if beside is not None:
        kept &= np.isfinite(beside).all(axis=1)
        if export.task == "classification":
            # Of two classes that are equally probable either is an answer.
            best = np.sort(beside, axis=1)
            kept &= best[:, -1] - best[:, -2] > 1e-6
        if export.task == "multilabel-classification":
            kept &= (np.abs(beside - 0.5) > 1e-6).all(axis=1)
        beside = beside[kept]
    held, predictions = held[kept], predictions[kept]
    rows = [[golden.to_cell(row[c.name], c) for c in export.columns] for row in held.to_dict("records")]
    Path(f"{folder}.held.json").write_text(json.dumps({
        "columns": [c.name for c in export.columns], "data": rows, "predictions": predictions.tolist(),
        "beside": None if beside is None else beside.tolist(),
    }))  # fmt: skip
    return {"exported": max(export.agreement.largest, export.edges.largest)}


def library_says(model: Any, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
    """The library's own predictions [N] or [N, L] and what stands beside them [N, k], without the exporter's help."""
    kind = f"{type(model).__module__.split('.')[0]}.{type(model).__name__}"
    if kind in ("lightgbm.Booster", "xgboost.Booster"):
        import xgboost

        rows = frame if kind.startswith("lightgbm") else xgboost.DMatrix(frame)
        answers = np.asarray(model.predict(rows), dtype="float64")
        text = model.model_to_string() if kind.startswith("lightgbm") else model.save_config()
        if "objective=binary" in text or '"binary:logistic"' in text:
            answers = np.c_[1 - answers, answers]
        elif '"multi:softmax"' in text:
            return answers.astype(int), None
        return (answers, None) if answers.ndim == 1 else (answers.argmax(axis=1), answers)
    if kind == "catboost.CatBoost":
        if model.get_all_params()["loss_function"] != "Logloss":
            return np.asarray(model.predict(frame)), None
        return np.ravel(model.predict(frame, prediction_type="Class")), model.predict(frame, prediction_type="Probability")
    if is_vectorizer(model):
        frame = frame.iloc[:, 0]
    elif not hasattr(model, "feature_names_in_") and "catboost" in str(type(getattr(model, "estimator", None))):
        frame = frame.to_numpy()
    if not hasattr(model, "predict"):
        vector = model.transform(frame)
        return np.asarray(vector.toarray() if hasattr(vector, "toarray") else vector, dtype="float64"), None
    predictions = np.asarray(model.predict(frame))
    predictions = np.ravel(predictions) if predictions.size == len(frame) else predictions
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if hasattr(last, "cluster_centers_") and hasattr(model, "transform"):
        return predictions, np.asarray(model.transform(frame))
    if is_outlier_detector(model):
        return predictions, np.asarray(model.decision_function(frame)).reshape(-1, 1)
    if not hasattr(model, "predict_proba"):
        return predictions, None
    found = model.predict_proba(frame)
    if isinstance(found, list):
        # Of several labels that are one of two: the probability of the second.
        return predictions, np.stack([one[:, 1] for one in found], axis=1) if all(one.shape[1] == 2 for one in found) else None
    return predictions, np.asarray(found)


def _child(case: Case, folder: Path, result: Path) -> None:
    # Estimators without a random_state: what they fit must not change from run to run.
    np.random.seed(SEED)
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))
    log = os.open(f"{folder}.log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        found = _try(case, folder)
    except BaseException:
        found = {"crashed": traceback.format_exc()}
    result.write_text(json.dumps(found))
    os._exit(0)


def run(cases: list[Case], out: Path) -> list[dict[str, Any]]:
    out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = [{} for _ in cases]
    waiting, running = list(range(len(cases))), {}
    while waiting or running:
        while waiting and len(running) < BESIDE:
            at = waiting.pop(0)
            pid = os.fork()
            if pid == 0:
                _child(cases[at], out / str(at), out / f"{at}.json")
            running[pid] = (at, time.monotonic())
        for pid, (at, since) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0 and time.monotonic() - since > DEADLINE:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                ended, results[at] = pid, {"crashed": f"no result within {DEADLINE} s"}
            elif ended:
                path = out / f"{at}.json"
                results[at] = json.loads(path.read_text()) if path.exists() else {"crashed": f"ended with status {status}"}
            if ended:
                del running[pid]
                case = cases[at]
                results[at] |= {"group": case.group, "name": case.name, "variant": case.variant, "at": at,
                                "seconds": round(time.monotonic() - since, 2)}  # fmt: skip
        time.sleep(0.005)
    (out / "results.json").write_text(json.dumps(results))
    return results


if __name__ == "__main__":
    names = set(sys.argv[2:])
    chosen = [case for case in all_cases() if '-k' in names and any(word in f'{case.group} {case.name}' for word in sys.argv[3:]) or not names or names & {case.name, case.group}]
    for one in run(chosen, Path(sys.argv[1])):
        kind = next(k for k in ("unfit", "refused", "crashed", "exported") if k in one)
        print(f"{one['seconds']:5.1f} {one['group']:12} {one['name']:32} {one['variant']:24} {kind:8} {str(one[kind])[-1500 if kind == 'crashed' else 0:][:330]}")
