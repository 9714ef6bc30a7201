"""The first draft of a model card."""

from __future__ import annotations

from servemodel.result import Export


def default_card(name: str, export: Export, description: str) -> str:
    """A model card with what the exporter knows, and the questions that only its author can answer."""
    columns = "\n".join(
        f"| {column.name} | {column.type} | {'yes' if column.nullable else 'no'} | "
        f"{f'{len(column.categories)} categories' if column.categories else ''}"
        f"{f'{column.range[0]} to {column.range[1]}' if column.range else ''} |"
        for column in export.columns
    )
    quality = "\n".join(f"| {key} | {value:.4f} |" if isinstance(value, float) else f"| {key} | {value} |"
                        for key, value in export.metrics.items()) or "| not measured | |"  # fmt: skip
    by_position = "\n\nThe model was fitted on a matrix without names: the names are the exporter's, by position." if export.by_position else ""
    return f"""# Model card: {name}

{description}

## Data

Not stated yet: where the training data come from, their licence, and what they leave out.

| column | type | may be missing | in the frame |
| --- | --- | --- | --- |
{columns}{by_position}

## Training

{export.framework}, {export.task}. Not stated yet: how the model was chosen.

## Quality

| figure | value |
| --- | --- |
{quality}

ONNX Runtime gives the training library's answers on all {export.agreement.rows:,} rows of the frame and on
{export.edges.rows:,} generated edge rows; the largest difference is {max(export.agreement.largest, export.edges.largest):.1e}
(tolerance {export.tolerance:g}).

## Limits

Not stated yet: what the model must not be used for. Numbers are compared in float32. `POST /explain` answers what each
column contributed to a prediction, or why that is not known: how the model came to it, not a cause.
"""
