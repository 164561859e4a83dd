"""The exported folder in a C program of our own: no Python, no Keras, nothing that guards it."""

import os
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from exporting import open_saved_model
from tests.export_stand_in import (
    colour_picture,
    encode,
    faces,
    pillow_keypoints,
    published,
    stand_in_model,
)

SOURCE = os.path.join(os.path.dirname(__file__), "c_api", "consumer.c")
INVALID_ARGUMENT = 3  # TF_Code


@pytest.fixture(scope="module")
def consumer(tmp_path_factory):
    """The compiled program's path."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler")
    libraries = tf.sysconfig.get_lib()
    names = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
    if not all(os.path.exists(os.path.join(libraries, name)) for name in names):
        pytest.skip("this TensorFlow comes without its C libraries")
    program = str(tmp_path_factory.mktemp("c_api") / "consumer")
    include = ("-I", tf.sysconfig.get_include())
    link = [f"-L{libraries}", f"-Wl,-rpath,{libraries}", *(f"-l:{name}" for name in names)]
    command = [compiler, "-std=c99", "-Wall", "-Werror", *include, SOURCE, "-o", program, *link]
    subprocess.run(command, check=True)
    return program


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    """For a signature, or one of its outputs, the names of its input, its output and its number."""
    with open_saved_model(published(tmp_path_factory)) as saved:

        def names(signature, output="keypoints"):
            (sent,) = saved.signatures[signature].inputs.values()
            name, index = saved.signatures[signature].outputs[output].name.split(":")
            return f"{sent.name.split(':')[0]} {name} {index}"

        return {
            **{name: names(name) for name in ("serving_default", "serve_uint8", "serve_bytes")},
            "serve_bytes error": names("serve_bytes", "error"),
        }


@pytest.fixture(scope="module")
def ask(consumer, tensors, tmp_path_factory):
    """Sends requests (signature, dtype, bytes, shape) to one process; returns its answers."""
    folder = published(tmp_path_factory)
    files = tmp_path_factory.mktemp("requests")

    def run(*requests):
        lines = []
        for number, (signature, dtype, data, shape) in enumerate(requests):
            (files / str(number)).write_bytes(data)
            shape = " ".join(map(str, (len(shape), *shape)))
            lines.append(f"{tensors[signature]} {dtype} {files / str(number)} {shape}\n")
        process = subprocess.run(
            [consumer, str(folder)],
            input="".join(lines),
            capture_output=True,
            text=True,
            env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        assert process.returncode == 0, process.stderr[-2000:]
        answers = process.stdout.splitlines()
        assert len(answers) == len(requests)
        return answers

    return run


def values(answer):
    kind, rank, *rest = answer.split()
    assert kind == "ok", answer
    shape = [int(size) for size in rest[: int(rank)]]
    return np.array(rest[int(rank) :], np.float32).reshape(shape)


def messages(answer):
    assert answer.startswith("ok 1 "), answer
    return answer.split("\t")[1:]


def code(answer):
    assert answer.startswith("error "), answer
    return int(answer.split()[1])


@pytest.mark.parametrize("batch", [1, 5])
def test_float_uint8_and_bytes_answer_like_the_keras_model(ask, batch):
    model, images, picture = stand_in_model(), faces(batch), colour_picture(70, 90)
    shape = (batch, 96, 96, 1)
    gray, gray_uint8, files = ask(
        ("serving_default", "float", images.astype(np.float32).tobytes(), shape),
        ("serve_uint8", "uint8", images.tobytes(), shape),
        ("serve_bytes", "string", encode(picture, "PNG"), (batch,)),
    )
    expected = np.asarray(model(images.astype(np.float32))) * 48 + 47.5
    np.testing.assert_allclose(values(gray), expected, atol=1e-3)
    np.testing.assert_allclose(values(gray_uint8), expected, atol=1e-3)
    expected = np.stack([pillow_keypoints(model, picture)] * batch)
    np.testing.assert_allclose(values(files), expected, atol=0.01)


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


@pytest.mark.parametrize(
    ("signature", "dtype"), [("serving_default", "float"), ("serve_uint8", "uint8")]
)
def test_wrong_shapes_are_invalid_arguments_and_the_process_lives_on(ask, signature, dtype):
    good = (signature, dtype, b"\0", (2, 96, 96, 1))
    *answers, last = ask(*((signature, dtype, b"\0", shape) for shape in WRONG_SHAPES), good)
    assert [code(answer) for answer in answers] == [INVALID_ARGUMENT] * len(WRONG_SHAPES)
    assert values(last).shape == (2, 15, 2)


def test_wrong_dtypes_are_invalid_arguments_and_the_process_lives_on(ask):
    face = (1, 96, 96, 1)
    *answers, last = ask(
        ("serving_default", "uint8", b"\0", face),
        ("serving_default", "int32", b"\0", face),
        ("serving_default", "string", b"\0", face),
        ("serve_uint8", "float", b"\0", face),
        ("serve_bytes", "float", b"\0", (1,)),
        ("serve_bytes", "uint8", b"\0", (1,)),
        ("serving_default", "float", b"\0", face),
    )
    assert [code(answer) for answer in answers] == [INVALID_ARGUMENT] * len(answers)
    assert values(last).shape == (1, 15, 2)


def test_empty_batches_get_empty_answers(ask):
    answers = ask(
        ("serving_default", "float", b"\0", (0, 96, 96, 1)),
        ("serve_uint8", "uint8", b"\0", (0, 96, 96, 1)),
        ("serve_bytes", "string", b"\0", (0,)),
        ("serving_default", "float", b"\0", (1, 96, 96, 1)),
    )
    assert [values(answer).shape for answer in answers] == [(0, 15, 2)] * 3 + [(1, 15, 2)]


def test_faces_with_pixels_that_are_not_finite_get_nan_and_the_others_keypoints(ask):
    def request(*pixels):
        return "serving_default", "float", np.repeat(np.float32(pixels), 96 * 96).tobytes(), shape

    shape = (2, 96, 96, 1)
    answers = ask(request(1, np.nan), request(np.inf, 2), request(-np.inf, np.nan), request(1, 2))
    is_nan = [np.isnan(values(answer)).all(axis=(1, 2)).tolist() for answer in answers]
    assert is_nan == [[False, True], [True, False], [True, True], [False, False]]
    for answer, row in ((answers[0], 0), (answers[1], 1)):
        np.testing.assert_allclose(values(answer)[row], values(answers[-1])[row], atol=1e-4)


def test_refused_pictures_get_nan_and_a_message(ask):
    picture = encode(colour_picture(50, 50), "JPEG")
    frames = [colour_picture(20, 20, seed) for seed in (0, 1)]
    animated = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    refused = {
        picture[: len(picture) // 2]: "must be a whole JPEG",
        b"no picture": "must be a PNG, JPEG, BMP or GIF",
        b"": "must be a PNG, JPEG, BMP or GIF",
        animated: "must not be animated",
    }
    for file, rule in refused.items():
        keypoints, told, sound, nothing = ask(
            ("serve_bytes", "string", file, (3,)),
            ("serve_bytes error", "string", file, (3,)),
            ("serve_bytes", "string", picture, (2,)),
            ("serve_bytes error", "string", picture, (2,)),
        )
        assert values(keypoints).shape == (3, 15, 2)
        assert np.isnan(values(keypoints)).all()
        assert len(messages(told)) == 3
        assert all(rule in message for message in messages(told))
        assert np.isfinite(values(sound)).all()
        assert messages(nothing) == ["", ""]


def test_wrong_ranks_of_bytes_are_invalid_arguments_and_the_process_lives_on(ask):
    picture = encode(colour_picture(50, 50), "JPEG")
    *answers, last = ask(
        ("serve_bytes", "string", picture, ()),
        ("serve_bytes", "string", picture, (1, 1)),
        ("serve_bytes", "string", picture, (2,)),
    )
    assert [code(answer) for answer in answers] == [INVALID_ARGUMENT] * len(answers)
    assert values(last).shape == (2, 15, 2)
