"""Records a request to each signature and its response, over REST and gRPC, in golden/."""

import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

import keypoint_schema
from exporting import open_saved_model, write_saved_model
from exporting.example_photograph import example_photograph
from serving import Target, connect
from serving.rest_connection import predict_request
from tests.export_stand_in import colour_picture, encode, stand_in_model
from tests.serving_stand_in import grpc_server, predict_json

FOLDER = pathlib.Path(__file__).parent / "golden"


def golden_inputs():
    """For each signature, its input by name; faces of one digit a pixel keep the files small."""
    rows, columns = np.indices((keypoint_schema.IMAGE_SIZE,) * 2)
    face = ((rows // 5 + columns // 7 * 2) % 10).astype(np.uint8)[np.newaxis, ..., np.newaxis]
    pictures = [
        encode(colour_picture(30, 40), "PNG"),
        encode(colour_picture(50, 20).convert("L"), "BMP"),
        b"no picture",
    ]
    photographs = [
        tf.io.encode_jpeg(example_photograph()).numpy(),
        encode(colour_picture(30, 40), "PNG"),  # of nobody
        b"no picture",
    ]
    return {
        "serving_default": {"images": face.astype(np.float32)},
        "serve_uint8": {"images": face},
        "serve_bytes": {"image_bytes": np.array(pictures, object)},
        "serve_named": {"images": face.astype(np.float32)},
        "serve_photo": {"image_bytes": np.array(photographs, object)},
    }


def record(saved):
    for signature, inputs in golden_inputs().items():
        request = predict_request(signature, **inputs)
        _write_json(f"{signature}.request.json", request)
        _write_json(f"{signature}.response.json", predict_json(saved, request))
        with grpc_server(saved) as (url, requests), connect(Target(url)) as connection:
            response = connection.call_predict(signature, **inputs)
        (FOLDER / f"{signature}.request.pb").write_bytes(_bytes(requests[0]))
        (FOLDER / f"{signature}.response.pb").write_bytes(_bytes(response))


def _write_json(name, value):
    (FOLDER / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def _bytes(message):
    return message.SerializeToString(deterministic=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(stand_in_model(), keypoint_schema.NAMES, folder, photo=True)
        with open_saved_model(folder) as saved:
            record(saved)
