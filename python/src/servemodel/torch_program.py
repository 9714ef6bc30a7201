"""A PyTorch program as an ONNX file with a batch of any size: from torch.export's archive (.pt2), or from a module and rows.

    python -m servemodel.torch_program OPTIONS.json REPORT.json
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np

from servemodel.command_line import LateProgress, exit_code
from servemodel.errors import ExportError

ROWS = 300
BATCHES = (ROWS, 7, 1)
"""Rows that are compared, and in which runs: a graph may hold the size of the batch that it was exported with."""
TOLERANCE = 1e-5
EXPORT = "torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim('rows')},))"


def is_module(found: Any) -> bool:
    """Whether an object is a torch.nn.Module; torch is not imported for that."""
    return any(f"{base.__module__}.{base.__name__}" == "torch.nn.modules.module.Module" for base in type(found).__mro__)


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


@contextmanager
def _quiet() -> Iterator[None]:
    """torch logs to the process's own stderr what it doesn't need."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _load(path: str) -> Any:
    import torch

    try:
        return torch.export.load(path)
    # An archive of another version, or with parts that aren't installed: errors of any type.
    except Exception as error:
        raise ExportError(f"{path} can't be loaded by PyTorch {torch.__version__} ({_line(error)})") from error


def _from_module(module: Any, width: int) -> Any:
    import torch

    example = torch.zeros(2, width)
    try:
        return torch.export.export(module.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("rows")},))
    except Exception as error:
        raise ExportError(
            f"torch.export can't export {type(module).__name__} for a batch of any size, with {width} columns of float32: "
            f"{_line(error)}"
        ) from error


def _examples(program: Any) -> list[Any]:
    """The tensors that it was exported with. Raises ExportError for other arguments."""
    import torch

    positional, named = program.example_inputs or ((), {})
    if named or not positional or not all(isinstance(one, torch.Tensor) and one.dim() > 0 for one in positional):
        raise ExportError(f"the program takes other arguments than tensors by position, or was saved without examples: {EXPORT}")
    return list(positional)


def _sizes(program: Any) -> list[Any]:
    """The number of rows of each input: a number, or a symbol where it is any."""
    wanted = set(program.graph_signature.user_inputs)
    return [node.meta["val"].shape[0] for node in program.graph.nodes if node.op == "placeholder" and node.name in wanted]


def _with_any_batch(program: Any) -> Any:
    """The program itself, or exported again for batches of any size."""
    import torch

    sizes = _sizes(program)
    if not any(isinstance(size, int) for size in sizes):
        return program
    try:
        module = program.module(check_guards=False)
    except TypeError:
        module = program.module()
    rows = torch.export.Dim("rows")
    examples = tuple(_examples(program))
    if sizes[0] == 1:
        # A single row is a size of its own.
        examples = tuple(one.repeat(2, *[1] * (one.dim() - 1)) for one in examples)
    try:
        return torch.export.export(module, examples, dynamic_shapes=tuple({0: rows} for _ in examples))
    except Exception as error:
        raise ExportError(
            f"the program was exported for batches of {sizes[0]} rows, and can't be made one for batches of any size "
            f"({_line(error)}): {EXPORT}"
        ) from error


def _rows_around(examples: list[Any], count: int) -> list[Any]:
    """Rows drawn from the examples, floats with noise: indices stay those that the program knows."""
    import torch

    generator = torch.Generator().manual_seed(0)
    made = []
    for one in examples:
        rows = one[torch.arange(count) % len(one)]
        if rows.is_floating_point():
            rows = rows + torch.randn(rows.shape, generator=generator).to(rows.dtype)
        made.append(rows)
    return made


def _names(frame: Any, options: dict[str, Any]) -> list[str]:
    return [name for name in frame.columns if name != options.get("target")]


def _given_rows(options: dict[str, Any], columns: list[str] | None, examples: list[Any]) -> list[Any] | None:
    """The rows of a file as the one matrix that the program takes; None where it takes another form."""
    import torch

    from servemodel.sources import load_frame

    frame = load_frame(Path(options["rows"]), [])
    names = columns or _names(frame, options)
    if len(examples) != 1 or examples[0].dim() != 2 or not set(names) <= set(frame.columns):
        return None
    cells = frame[names].apply(lambda column: np.asarray(column, dtype="float64") if column.dtype.kind in "biuf" else np.nan)
    if cells.isna().any(axis=None) or len(names) != examples[0].shape[1]:
        return None
    return [torch.tensor(cells.to_numpy(copy=True), dtype=examples[0].dtype)]


def _answers(program: Any, inputs: list[Any]) -> list[np.ndarray]:
    import torch
    from torch.utils._pytree import tree_leaves

    with torch.no_grad():
        return [one.detach().to(torch.float64).numpy() for one in tree_leaves(program.module()(*inputs))]


def _compare(program: Any, graph: bytes, inputs: list[Any], tolerance: float) -> float:
    """The largest difference, relative to the largest answer. Raises ExportError beyond the tolerance."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    if any((a != b).any() for a, b in zip(_answers(program, inputs), _answers(program, inputs), strict=True)):
        raise ExportError(f"the program answers the same rows differently each time, as in training: {EXPORT}")
    largest = 0.0
    for size in BATCHES:
        some = [one[:size] for one in inputs]
        wanted = _answers(program, some)
        found = session.run(None, {name: one.numpy() for name, one in zip(names, some, strict=True)})
        for one, other in zip(wanted, found, strict=True):
            scale = max(1.0, float(np.abs(one[np.isfinite(one)]).max(initial=0)))
            both = np.isnan(one) & np.isnan(np.asarray(other, dtype="float64"))
            gap = float(np.abs(np.where(both, 0, one - other)).max(initial=0)) / scale
            if not gap <= tolerance:
                raise ExportError(
                    f"ONNX Runtime differs from PyTorch by {gap:.1e} of the largest answer in batches of {size} rows; "
                    f"--tolerance {gap * 1.5:.0e} accepts it"
                )
            largest = max(largest, gap)
    return largest


def _to_onnx(program: Any) -> bytes:
    import torch

    try:
        with _quiet():
            return torch.onnx.export(program, dynamo=True, verbose=False).model_proto.SerializeToString()
    except ImportError:
        raise
    except Exception as error:
        raise ExportError(f"torch.onnx can't export the program: {_line(error)}") from error


def export_program(found: Any, options: dict[str, Any], steps: Any) -> dict[str, Any]:
    """Writes model.onnx into the folder `out`, from a module or what torch.export.load gave; returns what was compared.

    Raises ExportError for a program that has no graph for batches of any size, or whose graph answers otherwise.
    """
    import torch

    columns = next(csv.reader([options["columns"]])) if options.get("columns") else None
    rows = Path(options["rows"]) if options.get("rows") else None
    if is_module(found):
        from servemodel.sources import load_frame

        width = len(columns) if columns else len(_names(load_frame(rows, []), options)) if rows else 0
        if width == 0:
            raise ExportError(f"{options['path']} is a PyTorch module: name the columns that it takes with --columns or --rows")
        found = _from_module(found, width)
    with _quiet():
        program = _with_any_batch(found)
    steps("exporting the program to ONNX")
    graph = _to_onnx(program)
    steps("comparing ONNX Runtime with PyTorch")
    examples = _examples(program)
    given = _given_rows(options, columns, examples) if rows else None
    inputs = given or _rows_around(examples, ROWS)
    tolerance = TOLERANCE if options.get("tolerance") is None else options["tolerance"]
    with _quiet():
        largest = _compare(program, graph, inputs, tolerance)
    out = Path(options["out"])
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(graph)
    return {"framework": f"PyTorch {torch.__version__.split('+')[0]}", "rows": len(inputs[0]), "edges": 0, "largest": largest,
            "metrics": {}, "madeUp": given is None, "onnx": True}  # fmt: skip


def main(arguments: list[str]) -> int:
    options = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))

    def work() -> None:
        steps = LateProgress()
        steps("loading the program")
        try:
            with _quiet():
                program = _load(options["path"])
            report = export_program(program, options, steps)
        except ModuleNotFoundError as error:
            raise ExportError(
                f"{sys.executable} has no package {error.name}: PyTorch's exporter needs torch, onnx, onnxscript and onnxruntime"
            ) from error
        finally:
            steps.stop()
        Path(arguments[1]).write_text(json.dumps(report), encoding="utf-8")

    # What libraries print beside their errors is noise.
    sys.stdout = io.StringIO()
    return exit_code("import", work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
