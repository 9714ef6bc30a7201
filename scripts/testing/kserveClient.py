#!/usr/bin/env python3
"""Asks a server through KServe's own client, and prints what it made of the answers as JSON.

Usage: kserveClient.py PORT ROWS.json GRPC_PORT
    ROWS.json   {"columns": [...], "data": [[...], ...]}, without missing values
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import grpc
import httpx
import numpy as np
import pandas as pd
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig
from kserve.inference_client import InferenceGRPCClient
from kserve.protocol.infer_type import RequestedOutput

MODEL = "adult"

port, rows_path, grpc_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with open(rows_path, encoding="utf-8") as file:
    table = json.load(file)
frame = pd.DataFrame(table["data"], columns=table["columns"])
url = f"http://127.0.0.1:{port}"


async def ask(protocol: str) -> dict[str, Any]:
    """What both protocols have: states, a prediction, an error."""
    client = InferenceRESTClient(RESTConfig(protocol=protocol, retries=0, timeout=20))
    found: dict[str, Any] = {"modelReady": await client.is_model_ready(url, MODEL)}
    if protocol == "v1":
        records = {"instances": frame.to_dict(orient="records")}
        lists = {"instances": frame.to_numpy(dtype=object).tolist()}
        found["answers"] = {
            name: (await client.infer(url, body, model_name=MODEL))["predictions"]
            for name, body in (("records", records), ("lists", lists))
        }
        wrong: Any = {"instances": [{"age": 1}]}
    else:
        # V1's is_server_live reads JSON at /, where other clients expect a text.
        found["live"] = await client.is_server_live(url)
        found["ready"] = await client.is_server_ready(url)
        found["answers"] = {
            name: await infer(client, request(binary, wanted))
            for name, binary, wanted in (("json", False, False), ("binary", True, False), ("binary answer", True, True))
        }
        wrong = request(False, False, columns=["age"])
    try:
        await client.infer(url, wrong, model_name=MODEL)
    except httpx.HTTPStatusError as error:
        found["error"] = [error.response.status_code, str(error)]
    await client.close()
    return found


def request(binary: bool, wanted: bool, columns: list[str] | None = None) -> InferRequest:
    """All rows, each column a tensor [N]; `wanted`: the answer's tensors as bytes, too."""
    tensors = []
    for name in columns or list(frame.columns):
        text = not pd.api.types.is_numeric_dtype(frame[name])
        array = frame[name].to_numpy(np.object_ if text else np.int64)
        tensor = InferInput(name, list(array.shape), "BYTES" if text else "INT64")
        tensor.set_data_from_numpy(array, binary_data=binary)
        tensors.append(tensor)
    outputs = [RequestedOutput(name, {"binary_data": True}) for name in ("label", "probabilities")]
    return InferRequest(MODEL, tensors, request_id="mine", request_outputs=outputs if wanted else None)


async def infer(client: InferenceRESTClient, body: InferRequest) -> dict[str, Any]:
    return read(await client.infer(url, body, model_name=MODEL))


async def ask_grpc() -> dict[str, Any]:
    """The same over gRPC, with typed and with raw tensors."""
    client = InferenceGRPCClient(f"127.0.0.1:{grpc_port}")
    found: dict[str, Any] = {
        "live": await client.is_server_live(),
        "ready": await client.is_server_ready(),
        "modelReady": await client.is_model_ready(MODEL),
        "answers": {
            name: read(await client.infer(request(binary, False)))
            for name, binary in (("typed", False), ("raw", True))
        },
    }
    for name, act in (
        ("model", lambda: client.is_model_ready("nope")),
        ("columns", lambda: client.infer(request(False, False, columns=["age"]))),
    ):
        try:
            await act()
        except grpc.RpcError as error:
            found[name] = [error.code().name, str(error.details())]
    await client.close()
    return found


def read(response: InferResponse) -> dict[str, Any]:
    outputs = {output.name: output.as_numpy() for output in response.outputs}
    labels = [label.decode() if isinstance(label, bytes) else str(label) for label in outputs["label"].ravel()]
    probabilities = outputs["probabilities"]
    return {"labels": labels, "probabilities": probabilities.tolist(), "id": response.id, "model": response.model_name}


async def main() -> None:
    json.dump({"v1": await ask("v1"), "v2": await ask("v2"), "grpc": await ask_grpc()}, sys.stdout)


asyncio.run(main())
