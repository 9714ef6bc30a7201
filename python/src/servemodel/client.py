"""A small client: sends the rows of a frame to a server and gives its answers back as a Series."""

from __future__ import annotations

import http.client
import json
import math
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pandas as pd

from servemodel.errors import AnswerError
from servemodel.frames import to_pandas

CELLS = 50_000
"""Cells of one request: some 500 KB of JSON, as far as they are numbers."""
BYTES = 8 * 2**20
"""Below the server's default limit for a body."""
TRIES = 5
"""A server under load answers 503 with the seconds to wait."""


def _cells(values: pd.Series) -> list[Any]:
    """A column as JSON has it: None for a missing cell, ISO 8601 for a date."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return [None if pd.isna(cell) else cell.isoformat() for cell in values]
    if pd.api.types.is_float_dtype(values):
        # Widened exactly; NaN is a missing cell, and 39.0 an integer's.
        return [None if math.isnan(cell) else cell for cell in values.astype("float64").fillna(math.nan).tolist()]
    listed = values.astype(object).tolist()
    return [None if cell is None or (not isinstance(cell, str) and pd.isna(cell)) else cell for cell in listed]


def _bodies(frame: pd.DataFrame) -> Iterator[tuple[int, bytes]]:
    """The number of rows and the body of each request."""
    rows = max(1, CELLS // max(1, len(frame.columns)))
    for start in range(0, len(frame), rows):
        yield from _halved(frame.iloc[start : start + rows])


def _halved(frame: pd.DataFrame) -> Iterator[tuple[int, bytes]]:
    """Long texts make a body too large: half of the rows, then the others."""
    columns = {name: _cells(frame[name]) for name in frame.columns}
    try:
        body = json.dumps(columns, allow_nan=False, default=str).encode()
    except ValueError:
        infinite = [name for name, cells in columns.items() if any(isinstance(cell, float) and math.isinf(cell) for cell in cells)]
        raise AnswerError(f"column {', '.join(infinite)} holds an infinite number, which no request can carry") from None
    if len(body) <= BYTES or len(frame) == 1:
        yield len(frame), body
        return
    yield from _halved(frame.iloc[: len(frame) // 2])
    yield from _halved(frame.iloc[len(frame) // 2 :])


class _Connection:
    """One connection for all requests of a call."""

    def __init__(self, url: str, model: str | None, key: str | None, timeout: float) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise AnswerError(f"{url} is no address: give one like http://localhost:5000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        path = parts.path.rstrip("/")
        if model is not None:
            name, _, version = model.partition("/")
            path += f"/models/{name}" + (f"/versions/{version}" if version else "")
        # An address that ends in its route is meant as it is.
        self._base = path.removesuffix("/predict")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"
        self._model = ""

    def post(self, body: bytes, query: str) -> dict[str, Any]:
        for attempt in range(TRIES):
            status, text, headers = self._ask("POST", f"{self._base}/predict", query, body)
            if status == 200:
                self._model = headers.get("x-model") or ""
                return json.loads(text)
            if status != 503 or attempt == TRIES - 1:
                raise AnswerError(f"{self._origin}{self._base}/predict answers {status}: {_detail(text)}")
            time.sleep(min(10.0, float(headers.get("retry-after") or 1)))
        raise AssertionError("unreachable")

    def outputs(self) -> dict[str, Any]:
        """What the model that answered gives, as its model.json says; {} where the server doesn't show it."""
        name, _, version = self._model.partition("/")
        if not version:
            return {}
        root = self._base.split("/models/", 1)[0]
        status, text, _ = self._ask("GET", f"{root}/models/{name}/versions/{version}", "", None)
        return json.loads(text).get("outputs") or {} if status == 200 else {}

    def _ask(self, method: str, path: str, query: str, body: bytes | None) -> tuple[int, bytes, Any]:
        try:
            self._connection.request(method, f"{path}?{query}" if query else path, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise AnswerError(f"{self._origin}{path} doesn't answer: {error or type(error).__name__}") from error

    def close(self) -> None:
        self._connection.close()


def _detail(text: bytes) -> str:
    """The server's sentence, with the first invalid cells."""
    try:
        problem = json.loads(text)
    except ValueError:
        return text.decode("utf-8", "replace")[:200]
    errors = problem.get("errors") or []
    shown = "; ".join(f"row {one.get('row')}, column {one.get('column')}: {one.get('message')}" for one in errors[:3])
    said = problem.get("detail") or problem.get("title") or problem.get("error") or str(problem)[:200]
    return f"{said} ({shown})" if shown else said


BESIDE = ("score", "distances")
"""What an answer has beside its predictions, where the model gives it: of outlier detectors, of clusterers."""


def load_answers(
    url: str,
    frame: Any,
    *,
    model: str | None = None,
    probabilities: bool = False,
    key: str | None = None,
    timeout: float = 60,
) -> Any:
    """The server's answers to the rows of a frame, with the frame's index: a Series, or a DataFrame of several values.

    A model with several values a row gives a column for each by its name; an outlier detector the columns prediction and
    score; a clusterer prediction and distance_<cluster>, where it has distances.

    url: of the server, such as http://localhost:5000. frame: of pandas, polars or pyarrow; columns that the model
    doesn't have are left out. model: "churn" or "churn/3"; the default model otherwise. probabilities: a DataFrame with
    a column for each class (of several labels: for each label, the probability of its second class) instead. key: an API key.

    A polars frame is answered in polars. Raises AnswerError with the server's own sentence.
    """
    rows = to_pandas(frame)
    connection = _Connection(url, model, key, timeout)
    query = urlencode({"extra": "ignore"} | ({"probabilities": "true"} if probabilities else {}))
    member = "probabilities" if probabilities else "predictions"
    answers: dict[str, list[Any]] = {member: []}
    classes: list[Any] = []
    try:
        for count, body in _bodies(rows):
            sent = len(answers[member])
            try:
                reply = connection.post(body, query)
            except AnswerError as error:
                raise AnswerError(f"{error}; rows count from row {sent} of the frame") if sent else error
            if member not in reply:
                raise AnswerError("the model gives no probabilities" if probabilities else "the answer holds no predictions")
            for name in (member,) if probabilities else (member, *BESIDE):
                if name in reply:
                    answers.setdefault(name, []).extend(reply[name])
            classes = reply.get("classes", classes)
        table = _as_table(answers, member, [str(name) for name in classes], connection)
    finally:
        connection.close()
    polars = type(frame).__module__.split(".")[0] == "polars"
    if table is not None:
        table.index = rows.index
        return _as_polars_frame(table) if polars else table
    if polars:
        import polars as pl

        return pl.Series("prediction", answers[member])
    return pd.Series(answers[member], index=rows.index, name="prediction")


def _as_table(answers: dict[str, list[Any]], member: str, classes: list[str], connection: _Connection) -> pd.DataFrame | None:
    """The answers as columns; None where a row has one value."""
    lists = answers[member]
    beside = {name: answers[name] for name in BESIDE if name in answers}
    several = bool(lists) and isinstance(lists[0], list)
    if not several and not beside:
        return None
    if several and not classes:
        values = connection.outputs().get("values") or []
        width = len(lists[0])
        names = [str(one["name"]) for one in values]
        classes = names if len(names) == width else [f"prediction_{at}" for at in range(width)]
    columns: dict[str, Any] = {}
    if several:
        columns = dict(zip(classes, map(list, zip(*lists, strict=True)), strict=True))
    else:
        columns["prediction"] = lists
    for name, cells in beside.items():
        if name == "score":
            columns[name] = cells
        else:
            known = connection.outputs().get("classes") or range(len(cells[0]))
            columns |= {f"distance_{one}": [cell[at] for cell in cells] for at, one in enumerate(known)}
    return pd.DataFrame(columns)


def _as_polars_frame(table: pd.DataFrame) -> Any:
    import polars as pl

    return pl.DataFrame({name: table[name].to_list() for name in table.columns})
