"""Files as libraries write them: imported, and ONNX Runtime gives the library's answers to rows that the import hasn't seen."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import catboost
import joblib
import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
import sklearn
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import servemodel
from servemodel.importing import run
from servemodel.inspecting import inspect

random = np.random.default_rng(2)
FRAME = pd.DataFrame(random.normal(size=(500, 3)).round(3), columns=["a", "b", "c"])
YES = (FRAME["a"] + FRAME["b"] * FRAME["c"] > 0).astype(int)
HELD = FRAME[300:]


def fitted(model: Any) -> Any:
    return model.fit(FRAME[:300], YES[:300])


def lightgbm_text(path: Path) -> Any:
    model = fitted(lightgbm.LGBMClassifier(n_estimators=9, verbose=-1))
    model.booster_.save_model(path)
    return model


def xgboost_file(path: Path) -> Any:
    model = fitted(xgboost.XGBClassifier(n_estimators=9))
    model.save_model(path)
    return model


def catboost_file(path: Path) -> Any:
    model = fitted(catboost.CatBoostClassifier(iterations=9, verbose=0, allow_writing_files=False))
    model.save_model(str(path))
    return model


def pipeline(dump: Any) -> Any:
    def write(path: Path) -> Any:
        model = fitted(make_pipeline(StandardScaler(), LogisticRegression()))
        dump(model, path)
        return model

    return write


def options_for(path: Path, out: Path) -> dict[str, Any]:
    return {**inspect(path), "trust": False, "out": str(out / "m" / "1"), "version": "m/1"}


FILES = {
    "lgb.txt": ("lightgbm", lightgbm_text),
    "xgb.json": ("xgboost", xgboost_file),
    "xgb.ubj": ("xgboost", xgboost_file),
    "cat.cbm": ("catboost", catboost_file),
    "p.joblib": ("pickle", pipeline(lambda model, path: joblib.dump(model, path, compress=3))),
    "p.pkl": ("pickle", pipeline(lambda model, path: path.write_bytes(pickle.dumps(model)))),
    "p.skops": ("skops", pipeline(skops.io.dump)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_its_librarys_answers(name: str, tmp_path: Path) -> None:
    kind, write = FILES[name]
    model = write(tmp_path / name)
    options = options_for(tmp_path / name, tmp_path)
    assert options["kind"] == kind
    report = run(options)
    assert report["rows"] >= 200
    session = onnxruntime.InferenceSession(tmp_path / "m" / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    label, probabilities = session.run(None, {name: HELD[[name]].to_numpy("float32") for name in FRAME})
    assert label.tolist() == model.predict(HELD).tolist()
    np.testing.assert_allclose(probabilities, model.predict_proba(HELD), atol=1e-5)


HERE = Path(__file__).parent
ADVICE = f"fitted with scikit-learn 1.7.2, here is {sklearn.__version__}: use --python, or --with scikit-learn==1.7.2"


@pytest.mark.filterwarnings("ignore")
def test_the_first_line_names_the_other_version_that_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = options_for(HERE / "line_of_scikit_learn_1_7_2.joblib", tmp_path)
    # Arrays of NumPy 2, which NumPy 1 doesn't load.
    if np.__version__ >= "2":
        assert run(options)["framework"] == f"scikit-learn {sklearn.__version__}"
    else:
        with pytest.raises(servemodel.ExportError, match="numpy"):
            run(options)
    assert capsys.readouterr().err.splitlines()[0] == ADVICE


def test_a_file_that_only_another_version_loads_is_refused_with_that_version(tmp_path: Path) -> None:
    with pytest.raises(servemodel.ExportError) as error:
        run(options_for(HERE / "trees_of_scikit_learn_1_7_2.joblib", tmp_path))
    assert str(error.value).endswith(f"): {ADVICE}")
