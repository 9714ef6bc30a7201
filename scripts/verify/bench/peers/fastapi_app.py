"""The default model behind FastAPI, as fast as we know how to make it: what the bench compares the server with.

One ONNX Runtime session of one thread per process, run on the event loop itself: a hop to a thread pool costs more
than one row takes. Bodies are read and written by orjson, past FastAPI's own models. Nothing is checked.
"""

import os

# ONNX Runtime sends telemetry unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import json
from pathlib import Path

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

folder = Path(os.environ["BENCH_MODEL"])
signature = json.loads((folder / "model.json").read_text())
columns = [(entry["onnx"], object if entry["type"] == "string" else np.float32) for entry in signature["inputs"]]
label = signature["outputs"]["label"]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])

app = FastAPI(openapi_url=None)


@app.get("/ping")
async def ping() -> Response:
    return Response()


@app.post("/predict")
async def predict(request: Request) -> Response:
    """`{"columns", "data"}` in, `{"predictions"}` out; columns in the order of the signature."""
    rows = orjson.loads(await request.body())["data"]
    feeds = {
        name: np.array(column, kind).reshape(-1, 1)
        for (name, kind), column in zip(columns, zip(*rows, strict=True), strict=True)
    }
    predictions = session.run([label], feeds)[0].tolist()
    return Response(orjson.dumps({"predictions": predictions}), media_type="application/json")
