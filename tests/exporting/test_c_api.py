"""The exported folder in TensorFlow's C library, where nothing in Python guards the process."""

import sys

import numpy as np
import pytest

from benchmarks.c_session import ChildSession
from exporting import open_saved_model
from tests.export_stand_in import (
    colour_picture,
    encode,
    faces,
    pillow_keypoints,
    stand_in_model,
    with_photo,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the C library is called as on Linux"
)
INVALID_ARGUMENT = 3  # TF_Code


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Sends a request to one process; returns TF_Code, and the outputs by name if it is 0."""
    folder = with_photo(tmp_path_factory)
    with open_saved_model(folder) as saved:
        signatures = saved.signatures

    with ChildSession(folder) as child:

        def run(signature, value):
            (sent,) = signatures[signature].inputs.values()
            outputs = {name: info.name for name, info in signatures[signature].outputs.items()}
            code, _, arrays = child.run(sent.name, value, list(outputs.values()))
            return code, dict(zip(outputs, arrays, strict=False))

        yield run


def keypoints(answer):
    code, outputs = answer
    assert code == 0
    return outputs["keypoints"]


def texts(*each):
    array = np.empty(len(each), object)
    array[:] = each
    return array


def require_refused_and_alive(ask, refused, good):
    """Every request is an invalid argument, and the same process then answers a good one."""
    codes = [ask(*request)[0] for request in refused]
    assert codes == [INVALID_ARGUMENT] * len(refused)
    assert len(keypoints(ask(*good))) == len(good[1])


@pytest.mark.parametrize("batch", [1, 5])
def test_float_uint8_and_bytes_answer_like_the_keras_model(ask, batch):
    model, images, picture = stand_in_model(), faces(batch), colour_picture(70, 90)
    expected = np.asarray(model(images.astype(np.float32))) * 48 + 47.5
    gray = ask("serving_default", images.astype(np.float32))
    np.testing.assert_allclose(keypoints(gray), expected, atol=1e-3)
    np.testing.assert_allclose(keypoints(ask("serve_uint8", images)), expected, atol=1e-3)
    files = ask("serve_bytes", texts(*[encode(picture, "PNG")] * batch))
    expected = np.stack([pillow_keypoints(model, picture)] * batch)
    np.testing.assert_allclose(keypoints(files), expected, atol=0.01)


WRONG_SHAPES = [
    (),
    (96,),
    (96, 96),
    (96, 96, 1),
    (1, 95, 96, 1),
    (1, 96, 97, 1),
    (1, 96, 96),
    (1, 96, 96, 3),
    (1, 96, 96, 0),
    (1, 96, 96, 1, 1),
    (1, 0, 0, 1),
    (1, 1, 1, 1),
    (1, 192, 192, 1),
    (2, 48, 96, 1),
]
FACE = (1, 96, 96, 1)


@pytest.mark.parametrize(
    ("signature", "dtype"), [("serving_default", "float32"), ("serve_uint8", "uint8")]
)
def test_wrong_shapes_are_invalid_arguments_and_the_process_lives_on(ask, signature, dtype):
    wrong = [(signature, np.zeros(shape, dtype)) for shape in WRONG_SHAPES]
    require_refused_and_alive(ask, wrong, (signature, np.zeros((2, 96, 96, 1), dtype)))


def test_wrong_dtypes_are_invalid_arguments_and_the_process_lives_on(ask):
    wrong = [
        ("serving_default", np.zeros(FACE, np.uint8)),
        ("serving_default", np.zeros(FACE, np.int32)),
        ("serving_default", np.full(FACE, b"\0", object)),
        ("serve_uint8", np.zeros(FACE, np.float32)),
        ("serve_bytes", np.zeros(1, np.float32)),
        ("serve_bytes", np.zeros(1, np.uint8)),
        ("serve_photo", np.zeros(1, np.float32)),
        ("serve_photo", np.zeros(FACE, np.uint8)),
    ]
    require_refused_and_alive(ask, wrong, ("serving_default", np.zeros(FACE, np.float32)))


@pytest.mark.parametrize("signature", ["serve_bytes", "serve_photo"])
def test_wrong_ranks_of_bytes_are_invalid_arguments_and_the_process_lives_on(ask, signature):
    picture = encode(colour_picture(50, 50), "JPEG")
    wrong = [(signature, np.full(shape, picture, object)) for shape in ((), (1, 1))]
    require_refused_and_alive(ask, wrong, (signature, texts(picture, picture)))


def test_empty_batches_get_empty_answers(ask):
    for signature, value in (
        ("serving_default", np.zeros((0, 96, 96, 1), np.float32)),
        ("serve_uint8", np.zeros((0, 96, 96, 1), np.uint8)),
        ("serve_bytes", texts()),
    ):
        assert keypoints(ask(signature, value)).shape == (0, 15, 2)
    assert keypoints(ask("serve_photo", texts())).shape == (0, 1, 15, 2)


def test_faces_with_pixels_that_are_not_finite_get_nan_and_the_others_keypoints(ask):
    def answered(*pixels):
        images = np.repeat(np.float32(pixels), 96 * 96).reshape(2, 96, 96, 1)
        return keypoints(ask("serving_default", images))

    answers = [answered(1, np.nan), answered(np.inf, 2), answered(-np.inf, np.nan), answered(1, 2)]
    is_nan = [np.isnan(answer).all(axis=(1, 2)).tolist() for answer in answers]
    assert is_nan == [[False, True], [True, False], [True, True], [False, False]]
    for answer, row in ((answers[0], 0), (answers[1], 1)):
        np.testing.assert_allclose(answer[row], answers[-1][row], atol=1e-4)


@pytest.mark.parametrize("signature", ["serve_bytes", "serve_photo"])
def test_refused_pictures_get_nan_and_a_message(ask, signature):
    picture = encode(colour_picture(50, 50), "JPEG")
    frames = [colour_picture(20, 20, seed) for seed in (0, 1)]
    refused = {
        picture[: len(picture) // 2]: "must be a whole JPEG",
        b"no picture": "must be a PNG, JPEG, BMP or GIF",
        b"": "must be a PNG, JPEG, BMP or GIF",
        encode(frames[0], "GIF", save_all=True, append_images=frames[1:]): "must not be animated",
    }
    code, outputs = ask(signature, texts(*refused, picture))
    assert code == 0
    for message, rule in zip(outputs["error"], refused.values(), strict=False):
        assert rule in message.decode()
    assert outputs["error"][-1] == b""
    is_nan = np.isnan(outputs["keypoints"])
    assert is_nan[:-1].all()
    assert not is_nan[-1].any()
