"""Recorded requests and responses hold clients, protos and the exported folder together."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from exporting import open_saved_model
from exporting.signatures import SIGNATURES
from exporting.verification import PHOTO_TOLERANCE
from serving import Target, grpc_connection
from serving.rest_connection import predict_request, read_predictions
from tests.export_stand_in import with_photo
from tests.serving_stand_in import predict_json

GOLDEN = pathlib.Path(__file__).parent / "golden"
ALL_SIGNATURES = (*SIGNATURES, "serve_photo")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    with open_saved_model(with_photo(tmp_path_factory)) as saved:
        yield saved


def read_json(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize("signature", ALL_SIGNATURES)
def test_rest_request_gets_the_recorded_response(signature, saved):
    answer = read_predictions(predict_json(saved, read_json(f"{signature}.request")))
    recorded = read_predictions(read_json(f"{signature}.response"))
    assert_equal(answer, recorded, signature)


@pytest.mark.parametrize("signature", ALL_SIGNATURES)
def test_grpc_request_gets_the_recorded_response(signature, saved):
    request = read_proto(predict_pb2.PredictRequest, f"{signature}.request")
    response = read_proto(predict_pb2.PredictResponse, f"{signature}.response")
    assert request.model_spec.signature_name == signature
    answer = saved.run(signature, **arrays(request.inputs))
    recorded = arrays(response.outputs)
    assert_equal(answer, recorded, signature)
    for name, value in recorded.items():
        assert value.dtype == {"error": object, "faces": np.int32}.get(name, np.float32)


@pytest.mark.parametrize("signature", ALL_SIGNATURES)
def test_clients_write_the_recorded_requests(signature):
    request = read_proto(predict_pb2.PredictRequest, f"{signature}.request")
    inputs = arrays(request.inputs)
    assert predict_request(signature, **inputs) == read_json(f"{signature}.request")
    target = Target("grpc://localhost")
    assert grpc_connection.predict_request(target, signature, **inputs) == request


@pytest.mark.parametrize("signature", ALL_SIGNATURES)
def test_rest_and_grpc_responses_agree(signature):
    rest = read_predictions(read_json(f"{signature}.response"))
    grpc = arrays(read_proto(predict_pb2.PredictResponse, f"{signature}.response").outputs)
    assert sorted(rest) == sorted(grpc)
    for name, value in grpc.items():
        np.testing.assert_array_equal(rest[name], value)


@pytest.mark.parametrize("signature", ALL_SIGNATURES)
def test_recorded_numbers_come_one_by_one_as_the_server_sends_them(signature):
    response = read_proto(predict_pb2.PredictResponse, f"{signature}.response")
    for name, tensor in response.outputs.items():
        assert not tensor.tensor_content
        if name != "error":
            numbers = tensor.int_val if name == "faces" else tensor.float_val
            assert len(numbers) == tf.make_ndarray(tensor).size


def test_golden_batch_of_pictures_has_a_refused_one():
    answer = read_predictions(read_json("serve_bytes.response"))
    assert [bool(message) for message in answer["error"]] == [False, False, True]
    assert np.isnan(answer["keypoints"]).all(axis=(1, 2)).tolist() == [False, False, True]
    assert "NaN" in (GOLDEN / "serve_bytes.response.json").read_text()


def test_golden_batch_of_photographs_has_one_of_two_faces_one_of_none_and_a_refused_one():
    answer = read_predictions(read_json("serve_photo.response"))
    assert answer["faces"].tolist() == [2, 0, 0]
    assert [bool(message) for message in answer["error"]] == [False, False, True]
    assert np.isnan(answer["keypoints"]).all(axis=(1, 2, 3)).tolist() == [False, False, True]


def assert_equal(answer, recorded, signature):
    assert sorted(answer) == sorted(recorded)
    for name, value in recorded.items():
        if value.dtype == object:
            assert answer[name].tolist() == value.tolist()
        else:
            # A crop's gray levels are rounded; one near a half may differ on another processor.
            is_cropped = (signature, name) == ("serve_photo", "keypoints")
            tolerance = PHOTO_TOLERANCE if is_cropped else 1e-3
            np.testing.assert_allclose(answer[name], value, atol=tolerance)


def read_proto(kind, name):
    return kind.FromString((GOLDEN / f"{name}.pb").read_bytes())


def arrays(tensors):
    return {name: tf.make_ndarray(tensor) for name, tensor in tensors.items()}
