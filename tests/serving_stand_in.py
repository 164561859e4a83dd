"""Answers requests as TensorFlow Serving's documentation says, from a SavedModel on loopback.

TensorFlow Serving itself is not a Python package. The stand-in is strict, so that a request that
the real server refuses fails here too.
Source: https://www.tensorflow.org/tfx/serving/api_rest and the protos of tensorflow-serving-api.
"""

import base64
import contextlib
import http.server
import json
import re
import threading
import time

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

from tests import ROOT

MODEL = "facial_keypoints"
LABELS = {"stable": 1}
UNKNOWN_LABEL = "Unrecognized servable version label: "
FULL = "The batch scheduling queue to which this task was submitted is full"
BATCHING = ROOT / "serving" / "batching_parameters.txt"
MAX_BATCH_SIZE = int(re.search(r"(?m)^max_batch_size { value: (\d+) }", BATCHING.read_text())[1])
PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<verb>:predict|/metadata)"
)


def predict_json(saved, request):
    """A row-format predict request to its response."""
    unknown = set(request) - {"signature_name", "instances"}
    if unknown or not isinstance(request.get("instances"), list):
        raise ValueError("JSON Value: must be an object with 'instances', in the row format")
    name = request.get("signature_name", "serving_default")
    if name not in saved.signatures:
        raise ValueError(f"Serving signature name: {name!r} not found in signature def")
    ((key, info),) = saved.signatures[name].inputs.items()
    dtype = tf.as_dtype(info.dtype)
    values = [_json_value(instance, dtype) for instance in request["instances"]]
    array = np.array(values, object if dtype == tf.string else dtype.as_numpy_dtype)
    refuse_large_batch(array)
    outputs = saved.run(name, **{key: array})
    columns = {key: _json_values(key, values) for key, values in outputs.items()}
    if len(columns) == 1:
        return {"predictions": next(iter(columns.values()))}
    rows = zip(*columns.values(), strict=True)
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}


def _json_values(name, values):
    """Nested lists of an output; `json.dumps` writes NaN bare, as the server does."""
    if values.dtype != object:
        return values.tolist()
    assert not name.endswith("_bytes"), "the server would write {'b64': …}"
    return [value.decode() for value in values]


def refuse_large_batch(array):
    """With batching on, the server refuses what its batches cannot hold."""
    if len(array) > MAX_BATCH_SIZE:
        raise ValueError(
            f"Task size {len(array)} is larger than maximum input batch size {MAX_BATCH_SIZE}"
        )


def _json_value(value, dtype):
    if dtype == tf.string:
        if not isinstance(value, dict) or set(value) != {"b64"}:
            raise ValueError("JSON object: does not have named input; bytes go as {'b64': …}")
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, list):
        return [_json_value(part, dtype) for part in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"JSON Value: {value!r} Type: {type(value).__name__} is not of {dtype}")
    if dtype.is_integer and not (isinstance(value, int) and dtype.min <= value <= dtype.max):
        raise ValueError(f"JSON Value: {value!r} is not of expected type: {dtype.name}")
    return value


def metadata_json(saved):
    """The response to GET …/metadata, its maps nested as the server nests them."""
    signatures = {
        name: json.loads(json_format.MessageToJson(signature, preserving_proto_field_name=True))
        for name, signature in saved.signatures.items()
    }
    spec = {"name": MODEL, "signature_name": "", "version": "1"}
    metadata = {"signature_def": {"signature_def": signatures}}
    return {"model_spec": spec, "metadata": metadata}


def tensor_proto(value):
    """A `TensorProto` as the server writes it, number by number, not as `tensor_content`."""
    proto = tf.make_tensor_proto(value)
    if proto.dtype != tf.string:
        proto.ClearField("tensor_content")
        numbers = proto.float_val if proto.dtype == tf.float32 else proto.int_val
        numbers[:] = value.ravel().tolist()
    return proto


@contextlib.contextmanager
def rest_server(saved, delay=0.0, full=False):
    """Serves REST on a free port of 127.0.0.1; yields `(url, requests)`, the bodies received."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._answer(None)

        def do_POST(self):
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body):
            time.sleep(delay)
            try:
                status, answer = 200, self._route(body)
            except tf.errors.UnavailableError as error:
                status, answer = 503, {"error": error.message}
            except tf.errors.DeadlineExceededError as error:
                status, answer = 504, {"error": error.message}
            except (ValueError, tf.errors.OpError) as error:
                status, answer = 400, {"error": str(error)}
            except LookupError as error:
                status, answer = 404, {"error": error.args[0]}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # a client that timed out has gone
                self.wfile.write(content)

        def _route(self, body):
            match = PATH.fullmatch(self.path)
            if not match or (body is None) == (match["verb"] == ":predict"):
                raise ValueError(f"Malformed request: {self.command} {self.path}")
            if match["label"] not in (None, *LABELS):
                raise ValueError(UNKNOWN_LABEL + match["label"])
            if match["model"] != MODEL or match["version"] not in (None, "1"):
                raise LookupError("Servable not found for request: " + self.path)
            if body is None:
                return metadata_json(saved)
            requests.append(json.loads(body))
            if full:
                raise tf.errors.UnavailableError(None, None, FULL)
            return predict_json(saved, requests[-1])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def grpc_server(saved, delay=0.0, full=False):
    """Serves gRPC on a free port of 127.0.0.1; yields `(url, requests)`, the protos received."""
    import concurrent.futures

    import grpc
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        predict_pb2,
        prediction_service_pb2_grpc,
    )

    requests = []

    def check(spec, context):
        known = not spec.HasField("version") or spec.version.value == 1
        if spec.version_label and spec.version_label not in LABELS:
            details = UNKNOWN_LABEL + spec.version_label
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, details)
        if spec.name != MODEL or not known:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name}")

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            time.sleep(delay)
            check(request.model_spec, context)
            requests.append(request)
            if full:
                context.abort(grpc.StatusCode.UNAVAILABLE, FULL)
            return predict_proto(saved, request, context, predict_pb2)

        def GetModelMetadata(self, request, context):
            check(request.model_spec, context)
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in saved.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.metadata["signature_def"].Pack(signatures)
            return response

    def predict_proto(saved, request, context, predict_pb2):
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        try:
            for array in inputs.values():
                refuse_large_batch(array)
            outputs = saved.run(request.model_spec.signature_name, **inputs)
        except (ValueError, tf.errors.OpError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, getattr(error, "message", str(error)))
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        response.model_spec.version.value = 1
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tensor_proto(value))
        return response

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}", requests
    finally:
        server.stop(None).wait()
