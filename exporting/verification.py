"""The check that a built SavedModel must pass before it is published."""

import numpy as np
import tensorflow as tf
from PIL import Image

import pictures
from exporting.example_photograph import FACES, example_photograph
from exporting.photo_endpoint import SERVE_PHOTO
from exporting.session import open_saved_model
from exporting.signatures import SIGNATURES
from exporting.warm_up import replay_warm_up
from keypoint_schema import IMAGE_SIZE, to_pixels

TOLERANCE = 1e-3  # px; float32 sums in another order differ by some 1e-5
# A crop may differ by a gray level where a value is near a half, since Pillow computes otherwise.
PHOTO_TOLERANCE = 0.1  # px
BATCHES = (1, 3)


def verify_saved_model(folder, model, names, mirror=None, photo=False):
    """Loads a SavedModel, runs each signature and compares it with the Keras model.

    Args:
        folder: the SavedModel.
        model: the Keras model that it was written from, normalized `(batch, K, 2)` out.
        names: its keypoints' names.
        mirror, photo: as for `write_saved_model`.

    Returns:
        The largest difference of the keypoints of face crops, in px.

    Raises:
        RuntimeError: if a signature is missing or an output differs by more than `TOLERANCE`; also
            whatever the runtime raises if the graph or a warm-up record fails.
    """
    with open_saved_model(folder) as saved:
        signatures = (*SIGNATURES, SERVE_PHOTO) if photo else SIGNATURES
        if sorted(saved.signatures) != sorted(signatures):
            raise RuntimeError(f"Expected {signatures}. Received: {sorted(saved.signatures)}.")
        difference = require_equal(lambda faces: _answers(saved, faces, names), model, mirror)
        if photo:
            _verify_photo(saved, model, mirror)
        replay_warm_up(folder, saved)
    return difference


def require_equal(answers, model, mirror=None):
    """Compares answers about a few faces with the Keras model, at several batch sizes.

    Args:
        answers: a function from uint8 `(batch, 96, 96, 1)` to keypoints in px by name.
        model, mirror: as for `verify_saved_model`.

    Returns:
        The largest difference, in px.

    Raises:
        RuntimeError: if one is larger than `TOLERANCE`.
    """
    differences = []
    for batch in BATCHES:
        faces = _varied_faces(batch)
        expected = keras_keypoints(model, faces, mirror)
        for name, answer in answers(faces).items():
            difference = _difference(answer, expected)
            if not difference <= TOLERANCE * max(1.0, np.abs(expected).max() / IMAGE_SIZE):
                raise RuntimeError(
                    f"{name} must equal the Keras model within {TOLERANCE} px at batch {batch}. "
                    f"Received a difference of {difference} px."
                )
            differences.append(difference)
    return max(differences)


def keras_keypoints(model, faces, mirror=None):
    """Computes what the graph should answer, with NumPy and the Keras model: `(batch, K, 2)` px."""

    def predict(images):
        return np.asarray(model(images.astype(np.float32), training=False), np.float32)

    keypoints = predict(faces)
    if mirror is not None:
        keypoints = (keypoints + mirror(predict(faces[:, :, ::-1]))) / 2
    return to_pixels(keypoints)


def _answers(saved, faces, names):
    gray = faces.astype(np.float32)
    files = np.array([tf.io.encode_png(face).numpy() for face in faces], object)
    named = saved.run("serve_named", images=gray)
    return {
        "serving_default": saved.run("serving_default", images=gray)["keypoints"],
        "serve_uint8": saved.run("serve_uint8", images=faces)["keypoints"],
        "serve_bytes": _answers_beside_a_refused_picture(saved, files),
        "serve_named": np.stack([named[name] for name in names], axis=1),
    }


def _verify_photo(saved, model, mirror):
    """Compares `serve_photo` with what finds faces outside the graph."""
    photograph = example_photograph()
    gray = photograph[:, :, 0]
    boxes = [box for box, _ in pictures.FaceDetector().find(Image.fromarray(gray))]
    crops = np.array([pictures.crop(gray, box) for box in boxes])
    in_crops = keras_keypoints(model, crops, mirror)
    expected = [
        pictures.to_photograph(each, box) for each, box in zip(in_crops, boxes, strict=True)
    ]
    files = np.array([tf.io.encode_png(photograph).numpy(), b"no picture"], object)
    answer = saved.run(SERVE_PHOTO, image_bytes=files)
    refused = [bool(message) for message in answer["error"]]
    if answer["faces"].tolist() != [FACES, 0] or refused != [False, True]:
        raise RuntimeError(
            f"{SERVE_PHOTO} must find {FACES} faces in the first picture and refuse the second. "
            f"Received faces: {answer['faces']}, errors: {answer['error']}."
        )
    difference = _difference(answer["keypoints"][0], np.array(expected))
    if not difference <= PHOTO_TOLERANCE * max(1.0, np.abs(in_crops).max() / IMAGE_SIZE):
        raise RuntimeError(
            f"{SERVE_PHOTO} must equal detector, crop and Keras model within {PHOTO_TOLERANCE} px. "
            f"Received a difference of {difference} px."
        )


def _answers_beside_a_refused_picture(saved, files):
    batch = np.array([*files, b"no picture"], object)
    answer = saved.run("serve_bytes", image_bytes=batch)
    refused = [bool(message) for message in answer["error"]]
    if refused != [False] * len(files) + [True] or not np.isnan(answer["keypoints"][-1]).all():
        raise RuntimeError(
            "serve_bytes must refuse the last picture alone, with NaN keypoints. Received errors: "
            f"{answer['error']}."
        )
    return answer["keypoints"][:-1]


def _difference(answer, expected):
    if answer.shape != expected.shape:
        raise RuntimeError(f"Expected outputs of shape {expected.shape}. Received: {answer.shape}.")
    return float(np.abs(answer - expected).max())


def _varied_faces(batch):
    # Noise alone would leave most units at their mean; ramps and blocks move them.
    random = np.random.default_rng(batch)
    coarse = random.integers(0, 256, (batch, 8, 8, 1))
    faces = np.kron(coarse, np.ones((1, IMAGE_SIZE // 8, IMAGE_SIZE // 8, 1), int))
    noise = random.integers(-20, 21, faces.shape)
    return np.clip(faces + noise, 0, 255).astype(np.uint8)
