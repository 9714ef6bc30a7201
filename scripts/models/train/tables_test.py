"""housing and cost on files of a user."""

from __future__ import annotations

from pathlib import Path

import cost
import housing
import iris
import pandas as pd
import pytest
from conftest import read_json


def test_made_up_rows_are_always_the_same_and_look_right() -> None:
    for module in (housing, cost):
        frame = module.synthetic()
        pd.testing.assert_frame_equal(frame, module.synthetic())
        assert not frame.equals(module.synthetic(seed=1))
        assert list(frame.columns) == [*module.COLUMNS, module.TARGET]
        assert not frame.isna().any().any()
    homes = housing.synthetic()
    assert homes["MEDV"].between(5, 50).all()
    assert set(homes["CHAS"]) == {0, 1}
    assert cost.synthetic()["cost"].min() > 0


class TestHousingFile:
    def test_with_a_header_in_other_letters_and_order(self, tmp_path: Path) -> None:
        frame = housing.synthetic(60)
        path = tmp_path / "boston.csv"
        frame[[housing.TARGET, *housing.COLUMNS]].rename(columns=str.lower).assign(extra=1).to_csv(path, index=False)
        output = tmp_path / "housing" / "2"
        assert housing.main(["--data", str(path), "--output", str(output)]) == 0
        members = read_json(output / "model.json")
        assert [entry["name"] for entry in members["inputs"]] == housing.COLUMNS
        assert "made-up" not in members["description"]
        assert "60 complete rows of the file boston.csv" in (output / "CARD.md").read_text()
        pd.testing.assert_frame_equal(housing.read(path), frame)

    def test_without_a_header_and_with_spaces_as_in_the_archive(self, tmp_path: Path) -> None:
        frame = housing.synthetic(40)
        path = tmp_path / "housing.data"
        path.write_text("\n".join(" " + "  ".join(map(str, row)) for row in frame.to_numpy()) + "\n")
        pd.testing.assert_frame_equal(housing.read(path), frame, check_dtype=False)

    def test_rows_with_missing_cells_are_left_out(self, tmp_path: Path) -> None:
        frame = housing.synthetic(40)
        frame.loc[3, "RM"] = None
        frame.to_csv(tmp_path / "x.csv", index=False)
        assert len(housing.read(tmp_path / "x.csv")) == 39


@pytest.mark.parametrize("module", [housing, cost])
class TestFaults:
    def fail(self, module, path: Path, capsys) -> str:
        output = path.parent / "model" / "1"
        assert module.main(["--data", str(path), "--output", str(output)]) == 1
        assert not output.exists()
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    def test_no_file(self, module, tmp_path: Path, capsys) -> None:
        assert "there is no file" in self.fail(module, tmp_path / "x.csv", capsys)

    def test_a_missing_column(self, module, tmp_path: Path, capsys) -> None:
        path = tmp_path / "x.csv"
        module.synthetic(30).drop(columns=module.COLUMNS[2]).to_csv(path, index=False)
        assert f"has no column {module.COLUMNS[2]}" in self.fail(module, path, capsys)

    def test_text_for_numbers(self, module, tmp_path: Path, capsys) -> None:
        path = tmp_path / "x.csv"
        frame = module.synthetic(30).astype({module.COLUMNS[4]: object})
        frame.loc[3, module.COLUMNS[4]] = "many"
        frame.to_csv(path, index=False)
        assert f"column {module.COLUMNS[4]} holds something" in self.fail(module, path, capsys)

    def test_too_few_rows(self, module, tmp_path: Path, capsys) -> None:
        path = tmp_path / "x.csv"
        module.synthetic(19).to_csv(path, index=False)
        assert "19 complete rows" in self.fail(module, path, capsys)


def test_an_output_that_is_no_version_is_refused(tmp_path: Path, capsys) -> None:
    assert iris.main(["--output", str(tmp_path / "latest")]) == 1
    assert "the folder must be <name>/<version>" in capsys.readouterr().err
    assert not (tmp_path / "latest").exists()
