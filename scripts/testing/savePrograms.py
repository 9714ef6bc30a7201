"""Saves programs of PyTorch as people do, with rows and the modules' own answers to them. python savePrograms.py FOLDER"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

ROWS, COLUMNS = 250, 5


def save(folder: Path, name: str, module: nn.Module, example: torch.Tensor, **options: object) -> None:
    module.eval()
    torch.export.save(torch.export.export(module, (example,), **options), folder / f"{name}.pt2")
    rows = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(3))
    answers = module(rows).detach()
    (folder / f"{name}.json").write_text(json.dumps({"rows": rows.tolist(), "answers": answers.tolist()}))


def main(folder: Path) -> None:
    torch.manual_seed(1)
    example = torch.randn(8, COLUMNS)
    batch = {"dynamic_shapes": ({0: torch.export.Dim("rows")},)}
    value = nn.Sequential(nn.Linear(COLUMNS, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
    save(folder, "value", value, example, **batch)
    # As most people export: for the batch of the example.
    logits = nn.Sequential(nn.Linear(COLUMNS, 16), nn.Tanh(), nn.Linear(16, 3))
    save(folder, "logits", logits, example)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
