"""background.json: the training rows with which a server compares those that it explains."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from servemodel.background import ROWS, background_json
from servemodel.exporting import export_model
from servemodel.signature import Column

COLUMNS = [Column("a", "number"), Column("t", "string")]


def frame(count: int) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(count) / 2, "t": ["x", "y"] * (count // 2) + ["x"] * (count % 2)})


@pytest.mark.parametrize(("count", "wanted"), [(7, None), (8, 8), (500, ROWS)])
def test_it_has_up_to_64_rows_of_the_frame(count: int, wanted: int | None) -> None:
    found = background_json(COLUMNS, frame(count))
    if wanted is None:
        assert found is None
        return
    assert found is not None
    document = json.loads(found)
    assert document["columns"] == ["a", "t"]
    assert len(document["data"]) == wanted
    rows = frame(count).to_numpy().tolist()
    assert all(row in rows for row in document["data"])
    assert found == background_json(COLUMNS, frame(count))


def test_it_leaves_long_texts_out_and_is_smaller_where_there_are_many_columns() -> None:
    rows = frame(100)
    rows.loc[:49, "t"] = "x" * 3000
    assert len(json.loads(background_json(COLUMNS, rows) or b"")["data"]) == 50
    wide = [Column(f"x{at}", "number") for at in range(10_000)]
    table = pd.DataFrame(np.zeros((100, len(wide))), columns=[column.name for column in wide])
    assert len(json.loads(background_json(wide, table) or b"")["data"]) == 20


def test_the_exporter_writes_it_unless_its_rows_are_made_up(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": np.arange(40) / 2, "b": np.arange(40) % 7 / 4})
    model = LinearRegression().fit(rows, rows["a"] * 2 - rows["b"])
    export_model(model, rows, tmp_path / "m" / "1")
    assert len(json.loads((tmp_path / "m" / "1" / "background.json").read_text())["data"]) == 40
    export_model(model, rows, tmp_path / "m" / "2", made_up=True)
    assert not (tmp_path / "m" / "2" / "background.json").exists()
