"""PyTorch's programs as ONNX files: the same answers in batches of any size, or a refusal in one sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from servemodel.errors import ExportError
from servemodel.inspecting import Unknown, inspect

REASON = "PyTorch, 2.7 or newer, is not installed: pip install torch onnxscript, into an environment of your own"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

from servemodel.torch_program import export_program, main

pytestmark = pytest.mark.filterwarnings("ignore")
EXAMPLE = torch.randn(8, 4)
ANY = {"dynamic_shapes": ({0: torch.export.Dim("rows")},)}


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(9, 2)).eval()


class OfEight(torch.nn.Module):
    """Holds the size of its batch."""

    def forward(self, rows: Any) -> Any:
        return rows.view(8, 4).sum(1, keepdim=True)


def save(path: Path, module: Any, example: Any = EXAMPLE, **options: Any) -> Path:
    torch.export.save(torch.export.export(module, (example,), **options), path)
    return path


def run(path: Path, **options: Any) -> tuple[int, dict[str, Any] | None]:
    asked, answered, stdout = path.with_suffix(".options"), path.with_suffix(".report"), sys.stdout
    asked.write_text(json.dumps({"path": str(path), "out": str(path.parent / "out"), **options}))
    try:
        code = main([str(asked), str(answered)])
    finally:
        sys.stdout = stdout
    return code, json.loads(answered.read_text()) if code == 0 else None


@pytest.mark.parametrize(
    ("example", "options"), [(EXAMPLE, ANY), (EXAMPLE, {}), (EXAMPLE[:1], {})], ids=["any batch", "batches of 8", "one row"]
)
def test_a_program_answers_batches_of_any_size(example: Any, options: dict[str, Any], tmp_path: Path) -> None:
    module = network()
    path = save(tmp_path / "net.pt2", module, example, **options)
    assert inspect(path)["kind"] == "torch"
    code, report = run(path)
    assert code == 0
    assert report is not None
    assert (report["onnx"], report["rows"]) == (True, 300)
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    for size in (1, 5, 250):
        rows = torch.randn(size, 4)
        [found] = session.run(None, {session.get_inputs()[0].name: rows.numpy()})
        np.testing.assert_allclose(found, module(rows).detach().numpy(), atol=1e-5)


def test_a_module_takes_its_width_from_the_rows(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("y,a,b,c,d\n" + "9,1,2,3,4\n" * 20)
    options = {"path": "net:net", "rows": str(rows), "target": "y", "out": str(tmp_path / "out")}
    report = export_program(network(), options, lambda _: None)
    assert (report["rows"], report["madeUp"]) == (20, False)
    with pytest.raises(ExportError, match="name the columns that it takes with --columns or --rows"):
        export_program(network(), {"path": "net:net", "out": str(tmp_path / "out")}, lambda _: None)


def test_what_cannot_be_served_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [
        (save(tmp_path / "eight.pt2", OfEight()), {}, "exported for batches of 8 rows, and can't be made one for batches of any size"),
        (save(tmp_path / "training.pt2", network().train()), {}, "answers the same rows differently each time"),
        (save(tmp_path / "strict.pt2", network(), **ANY), {"tolerance": 0}, "accepts it"),
    ]
    (tmp_path / "broken.pt2").write_bytes(b"PK\x03\x04")
    cases.append((tmp_path / "broken.pt2", {}, "can't be loaded by PyTorch"))
    for path, options, message in cases:
        assert run(path, **options)[0] == 1
        lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
        assert len(lines) == 1
        assert message in lines[0]
        assert not (tmp_path / "out").exists()
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(Unknown, match="a PyTorch file of weights .* torch.export.save"):
        inspect(tmp_path / "weights.pt")
