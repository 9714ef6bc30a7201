#!/usr/bin/env python3
"""Calls a server through Triton's and gRPC's own clients, and prints what they made of it as JSON.

Usage: grpcClients.py HTTP_PORT GRPC_PORT ROWS.json MAX_BODY_BYTES
    ROWS.json   {"columns": [...], "data": [[...], ...]}, without missing values
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

import grpc
import numpy as np
import pandas as pd
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from google.protobuf.json_format import MessageToDict
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

MODEL = "adult"

http_port, grpc_port, rows_path, max_bytes = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with open(rows_path, encoding="utf-8") as file:
    table = json.load(file)
frame = pd.DataFrame(table["data"], columns=table["columns"])
target = f"127.0.0.1:{grpc_port}"


def columns(rows: pd.DataFrame) -> list[tuple[str, np.ndarray, str]]:
    """Each column as an array and its datatype."""
    found = []
    for name in rows.columns:
        text = not pd.api.types.is_numeric_dtype(rows[name])
        array = rows[name].to_numpy(np.object_ if text else np.int64)
        found.append((name, array, "BYTES" if text else "INT64"))
    return found


def plain(outputs: dict[str, np.ndarray]) -> dict[str, Any]:
    labels = [label.decode() if isinstance(label, bytes) else str(label) for label in outputs["label"].ravel()]
    return {"labels": labels, "probabilities": outputs["probabilities"].tolist()}


def triton(module: Any, url: str, **options: Any) -> dict[str, Any]:
    """What both of Triton's clients have."""
    client = module.InferenceServerClient(url)

    def inputs(rows: pd.DataFrame) -> list[Any]:
        tensors = []
        for name, array, datatype in columns(rows):
            tensors.append(module.InferInput(name, list(array.shape), datatype))
            tensors[-1].set_data_from_numpy(array)
        return tensors

    def infer(**more: Any) -> dict[str, Any]:
        result = client.infer(MODEL, inputs(frame), **options, **more)
        return plain({name: result.as_numpy(name) for name in ("label", "probabilities")})

    found: dict[str, Any] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready(MODEL),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(MODEL),
        "index": client.get_model_repository_index(),
        "answers": {"plain": infer(request_id="mine")},
        "errors": {},
    }
    if module is triton_grpc:
        for name in ("server", "model", "index"):
            found[name] = MessageToDict(found[name], preserving_proto_field_name=True)
        for coding in ("gzip", "deflate"):
            found["answers"][coding] = infer(compression_algorithm=coding)
    wrong: dict[str, Callable[[], Any]] = {
        "model": lambda: client.infer("nope", inputs(frame)),
        "version": lambda: client.infer(MODEL, inputs(frame), model_version="99"),
        "columns": lambda: client.infer(MODEL, inputs(frame[["age"]])),
    }
    for name, act in wrong.items():
        try:
            act()
        except InferenceServerException as error:
            found["errors"][name] = [str(error.status()), str(error.message())]
    client.close()
    return found


def request(rows: pd.DataFrame) -> service_pb2.ModelInferRequest:
    message = service_pb2.ModelInferRequest(model_name=MODEL)
    for name, array, datatype in columns(rows):
        tensor = message.inputs.add(name=name, datatype=datatype, shape=list(array.shape))
        if datatype == "BYTES":
            tensor.contents.bytes_contents.extend(value.encode() for value in array)
        else:
            tensor.contents.int64_contents.extend(int(value) for value in array)
    return message


def code_of(act: Callable[[], Any]) -> str:
    try:
        act()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name
    except grpc.FutureCancelledError:
        return "CANCELLED"


def grpcio() -> dict[str, Any]:
    """Deadlines, cancellation, keep-alive pings, limits, and one connection for many calls."""
    options = [
        ("grpc.keepalive_time_ms", 100),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    found: dict[str, Any] = {}
    with grpc.insecure_channel(target, options=options) as channel:
        states: list[str] = []
        channel.subscribe(lambda state: states.append(state.name), try_to_connect=True)
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        one = request(frame.head(1))
        answer = stub.ModelInfer(one, timeout=30)
        found["first"] = answer.outputs[0].contents.bytes_contents[0].decode()
        found["thousand"] = sorted({code_of(lambda: stub.ModelInfer(one, timeout=30)) for _ in range(1000)})
        many = request(pd.concat([frame] * (20_000 // len(frame))))
        found["deadline"] = code_of(lambda: stub.ModelInfer(many, timeout=0.002))
        call = stub.ModelInfer.future(many)
        call.cancel()
        found["cancelled"] = code_of(call.result)
        # Several pings pass without a call.
        time.sleep(1)
        found["afterPings"] = code_of(lambda: stub.ModelInfer(one, timeout=30))
        found["connections"] = states.count("READY")

        def sized(bytes_of_message: int) -> service_pb2.ModelInferRequest:
            message = request(frame.head(1))
            message.id = "x"
            message.id = "x" * (1 + bytes_of_message - message.ByteSize() - 3)
            assert message.ByteSize() == bytes_of_message, message.ByteSize()
            return message

        # Five bytes are the frame's.
        found["atLimit"] = code_of(lambda: stub.ModelInfer(sized(max_bytes - 5), timeout=60))
        found["aboveLimit"] = code_of(lambda: stub.ModelInfer(sized(max_bytes - 4), timeout=60))
        found["otherService"] = code_of(lambda: channel.unary_unary("/other.Service/Method")(b"", timeout=30))
        found["garbage"] = code_of(
            lambda: channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(b"\xff\xff", timeout=30)
        )
        found["stream"] = code_of(lambda: list(stub.ModelStreamInfer(iter([one]), timeout=30)))
        found["largeMetadata"] = code_of(lambda: stub.ModelInfer(one, timeout=30, metadata=[("x-large", "h" * 40_000)]))
        found["afterLargeMetadata"] = code_of(lambda: stub.ModelInfer(one, timeout=30, wait_for_ready=True))
    return found


json.dump(
    {
        "tritonGrpc": triton(triton_grpc, target),
        "tritonHttp": triton(triton_http, f"127.0.0.1:{http_port}"),
        "grpcio": grpcio(),
    },
    sys.stdout,
)
