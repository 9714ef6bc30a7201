#!/usr/bin/env python3
"""Asks a server through real clients of its protocols, and prints what they made of its answers as JSON.

Usage: protocolClients.py PORT ROWS.json
    ROWS.json   {"columns": [...], "data": [[...], ...]}, without missing values
"""

from __future__ import annotations

import json
import sys
from typing import Any

import mlserver.codecs as codecs
import numpy as np
import pandas as pd
import requests
import tritonclient.http as triton
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlserver.types import InferenceRequest, InferenceResponse
from tritonclient.utils import InferenceServerException

MODEL = "adult"

port, rows_path = int(sys.argv[1]), sys.argv[2]
with open(rows_path, encoding="utf-8") as file:
    table = json.load(file)
frame = pd.DataFrame(table["data"], columns=table["columns"])


def texts(labels: np.ndarray) -> list[str]:
    return [label.decode() if isinstance(label, bytes) else str(label) for label in labels.ravel()]


def ask_with_triton() -> dict[str, Any]:
    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    metadata = client.get_model_metadata(MODEL)

    def inputs(binary: bool, numbers: str = "INT64", width: tuple[int, ...] = ()) -> list[triton.InferInput]:
        tensors = []
        for column in metadata["inputs"]:
            cells = frame[column["name"]].to_numpy()
            datatype = column["datatype"] if column["datatype"] == "BYTES" else numbers
            kinds = {"BYTES": np.object_, "INT64": np.int64, "INT32": np.int32, "FP32": np.float32}
            array = cells.astype(kinds[datatype]).reshape(len(frame), *width)
            tensor = triton.InferInput(column["name"], list(array.shape), datatype)
            tensor.set_data_from_numpy(array, binary_data=binary)
            tensors.append(tensor)
        return tensors

    def answer(result: triton.InferResult) -> dict[str, Any]:
        probabilities = result.as_numpy("probabilities")
        return {
            "labels": texts(result.as_numpy("label")),
            "probabilities": probabilities.tolist(),
            "dtype": str(probabilities.dtype),
            "id": result.get_response().get("id"),
        }

    def error(call: Any) -> list[str]:
        try:
            call()
        except InferenceServerException as exception:
            return [str(exception.status()), exception.message()]
        return []

    def control() -> dict[str, Any]:
        states = []

        def note() -> None:
            index = {entry["name"]: entry["state"] for entry in client.get_model_repository_index()}
            states.append([index["iris"], client.is_model_ready("iris")])

        note()
        client.unload_model("iris")
        note()
        client.load_model("iris")
        note()
        return {
            "states": states,
            "refused": [
                error(lambda: client.unload_model(MODEL)),
                error(lambda: client.load_model("nope")),
                error(lambda: client.load_model("iris", config="{}")),
            ],
        }

    def statistics() -> dict[str, Any]:
        [before] = client.get_inference_statistics(MODEL, "1")["model_stats"]
        client.infer(MODEL, inputs(True))
        [after] = client.get_inference_statistics(MODEL, "1")["model_stats"]
        names = ["success", "compute_input", "compute_infer", "queue"]
        gained = {
            name: after["inference_stats"][name]["count"] - before["inference_stats"][name]["count"] for name in names
        }
        return {
            "rows": after["inference_count"] - before["inference_count"],
            "gained": gained,
            "last": after["last_inference"],
            "batches": sum(batch["compute_infer"]["count"] for batch in after["batch_stats"]),
            "executions": after["execution_count"],
            "all": [stats["name"] for stats in client.get_inference_statistics()["model_stats"]],
        }

    def scheduled() -> dict[str, Any]:
        result = client.infer(MODEL, inputs(True), priority=2, timeout=5_000_000, parameters={"mine": 1})
        return {
            "parameters": result.get_response()["parameters"],
            "labels": texts(result.as_numpy("label")),
            "late": error(lambda: client.infer(MODEL, inputs(True), timeout=1)),
            "sequence": error(lambda: client.infer(MODEL, inputs(True), sequence_id=7, sequence_start=True)),
        }

    top = [triton.InferRequestedOutput("probabilities", class_count=2, binary_data=flag) for flag in (True, False)]
    outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("label", "probabilities")]
    mixed = [triton.InferRequestedOutput("label", binary_data=True), outputs[1]]
    wrong = inputs(True)
    wrong[0] = triton.InferInput("age", [len(frame)], "FP32")
    wrong[0].set_data_from_numpy(np.full(len(frame), 39.5, np.float32))
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": [client.is_model_ready(MODEL), client.is_model_ready(MODEL, "1"), client.is_model_ready("nope")],
        "server": client.get_server_metadata()["name"],
        "index": client.get_model_repository_index(),
        "metadata": metadata,
        "answers": {
            "binary": answer(client.infer(MODEL, inputs(True), request_id="mine")),
            "version": answer(client.infer(MODEL, inputs(True), model_version="1")),
            "json": answer(client.infer(MODEL, inputs(False), outputs=outputs)),
            "mixed": answer(client.infer(MODEL, inputs(True), outputs=mixed)),
            "column vectors": answer(client.infer(MODEL, inputs(True, width=(1,)))),
            "INT32": answer(client.infer(MODEL, inputs(True, "INT32"))),
            "FP32": answer(client.infer(MODEL, inputs(True, "FP32"))),
            "gzip": answer(
                client.infer(MODEL, inputs(True), request_compression_algorithm="gzip"),
            ),
        },
        "config": client.get_model_config(MODEL),
        "control": control(),
        "statistics": statistics(),
        "scheduled": scheduled(),
        "top": [
            [texts(row) for row in client.infer(MODEL, inputs(True), outputs=[one]).as_numpy("probabilities")]
            for one in top
        ],
        "errors": {
            "model": error(lambda: client.infer("nope", inputs(True))),
            "output": error(lambda: client.infer(MODEL, inputs(True), outputs=[triton.InferRequestedOutput("x")])),
            "column": error(lambda: client.infer(MODEL, inputs(True)[1:])),
            "cell": error(lambda: client.infer(MODEL, wrong)),
        },
    }


def ask_with_mlserver() -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/v2/models/{MODEL}/infer"

    def infer(request: InferenceRequest) -> dict[str, Any]:
        response = requests.post(url, data=request.model_dump_json(), timeout=20)
        response.raise_for_status()
        outputs = {output.name: output for output in InferenceResponse.model_validate_json(response.text).outputs}
        return {
            "labels": codecs.StringCodec.decode_output(outputs["label"]),
            "probabilities": codecs.NumpyCodec.decode_output(outputs["probabilities"]).tolist(),
        }

    by_column = InferenceRequest(
        inputs=[
            codecs.NumpyCodec.encode_input(name, frame[[name]].to_numpy(np.int64))
            if pd.api.types.is_numeric_dtype(frame[name])
            else codecs.StringCodec.encode_input(name, frame[name].tolist(), use_bytes=False)
            for name in frame.columns
        ]
    )
    # Its codec knows no other type for the texts of a frame than pandas 2's.
    objects = frame.astype({name: object for name in frame.select_dtypes(exclude="number").columns})
    return {
        "pandas": infer(codecs.PandasCodec.encode_request(objects, use_bytes=False)),
        "columns": infer(by_column),
    }


def ask_with_mlflow() -> dict[str, Any]:
    client = ScoringServerClient("127.0.0.1", port)
    client.wait_server_ready(timeout=10)

    def post(body: str, kind: str) -> list[str]:
        url = f"http://127.0.0.1:{port}/invocations"
        response = requests.post(url, data=body.encode(), headers={"Content-Type": kind}, timeout=20)
        response.raise_for_status()
        return response.json()["predictions"]

    def predictions(answer: Any) -> list[str]:
        return texts(np.asarray(answer.get_predictions()))

    return {
        "version": client.get_version(),
        "frame": predictions(client.invoke(frame)),
        "params": predictions(client.invoke(frame, params={"unused": 1})),
        "array": predictions(client.invoke(frame.to_numpy())),
        "to_json": post(frame.to_json(orient="split"), "application/json"),
        "to_csv": post(frame.to_csv(index=False), "text/csv"),
        "to_csv with index": post(frame.to_csv(), "text/csv"),
        "to_json of 1.x": post(frame.to_json(orient="records"), "application/json; format=pandas-records"),
    }


json.dump({"triton": ask_with_triton(), "mlserver": ask_with_mlserver(), "mlflow": ask_with_mlflow()}, sys.stdout)
