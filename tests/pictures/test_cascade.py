"""The graph that finds faces, held against the package whose weights it has."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_pipeline.synthetic_faces import draw_faces
from pictures import cascade as cascade_module
from pictures import framing
from pictures.cascade import cascade
from pictures.framing import face_squares, square_finder


@pytest.fixture(scope="module")
def graph():
    return tf.function(
        lambda picture: cascade(picture, 0.8),  # the package's threshold
        input_signature=[tf.TensorSpec((None, None, 3))],
        autograph=False,
    ).get_concrete_function()


@pytest.fixture(scope="module")
def crowd():
    """A coloured photograph, uint8 `(420, 600, 3)`, of six drawn faces from 40 to 190 px."""
    faces, _ = draw_faces(6, seed=3)
    ramp = np.add.outer(np.arange(420), np.arange(600)) * (160 / 1020)
    canvas = Image.fromarray(ramp.astype(np.uint8))
    places = [(10, 10, 40), (80, 20, 96), (230, 10, 190), (450, 30, 120), (20, 200, 170),
              (300, 250, 130)]  # fmt: skip
    for face, (x, y, side) in zip(faces, places, strict=True):
        canvas.paste(Image.fromarray(face[:, :, 0]).resize((side, side)), (x, y))
    return np.asarray(canvas)[..., np.newaxis] // [[[1, 1.2, 1.4]]]


def test_the_graph_finds_what_the_package_finds_but_for_mirrored_scores(monkeypatch, crowd):
    from mtcnn import MTCNN

    monkeypatch.setattr(cascade_module, "_onet_scored_both_ways", cascade_module._onet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its NumPy divides by zero
        expected = MTCNN(device="CPU:0").detect_faces(
            crowd, fit_to_image=False, output_type="numpy", box_format="xyxy"
        )
    assert len(expected) >= 5
    boxes, scores, landmarks = cascade(tf.constant(crowd, tf.float32), 0.8)
    np.testing.assert_allclose(boxes, expected[:, 1:5], atol=0.02)
    np.testing.assert_allclose(scores, expected[:, 5], atol=1e-3)
    by_axis = np.stack([expected[:, 6:11], expected[:, 11:]], axis=2)
    np.testing.assert_allclose(landmarks, by_axis, atol=0.02)


def test_a_face_and_its_mirror_image_have_the_same_score():
    weights = cascade_module.load_weights()["onet"]
    faces = draw_faces(4, seed=5)[0].repeat(3, axis=3)
    patches = (tf.image.resize(faces, (48, 48)) - 127.5) / 128.0
    mirrored = tf.reverse(patches, [2])
    scores, offsets, landmarks = cascade_module._onet_scored_both_ways(weights, patches)
    their_scores, _, _ = cascade_module._onet_scored_both_ways(weights, mirrored)
    np.testing.assert_allclose(scores, their_scores, atol=1e-6)
    one_way, same_offsets, same_landmarks = cascade_module._onet(weights, patches)
    assert np.abs(one_way - scores).max() > 1e-4
    np.testing.assert_array_equal(offsets, same_offsets)
    np.testing.assert_array_equal(landmarks, same_landmarks)


@pytest.mark.parametrize("shape", [(1, 1), (19, 300), (21, 21), (800, 24), (300, 200)])
def test_a_picture_without_faces_has_none_however_small(graph, shape):
    boxes, scores, landmarks = graph(tf.fill((*shape, 3), 128.0))
    assert (boxes.shape, scores.shape, landmarks.shape) == ((0, 4), (0,), (0, 5, 2))


def test_noise_gives_many_proposals_but_no_faces(graph):
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (100, 100, 3)).repeat(4, 0).repeat(4, 1)
    assert len(graph(tf.constant(coarse, tf.float32)).scores) == 0


def test_a_lower_threshold_adds_what_is_less_surely_a_face_and_changes_no_other(crowd):
    find = square_finder()
    noisy = crowd + np.random.default_rng(0).normal(0, 25, crowd.shape)
    noisy = np.clip(noisy, 0, 255).astype(np.uint8)
    squares, scores = (each.numpy() for each in find(noisy, np.float32(0)))
    assert np.any(scores < 0.8)
    assert np.any(scores > 0.9)
    for threshold in np.float32([0.5, 0.9]):
        fewer, their_scores = find(noisy, threshold)
        np.testing.assert_array_equal(fewer, squares[scores >= threshold])
        np.testing.assert_array_equal(their_scores, scores[scores >= threshold])


def test_squares_follow_the_face_by_landmarks_and_size():
    landmarks = np.array([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]], np.float32)
    box = np.array([30, 20, 70, 72], np.float32)
    (square,) = face_squares(box[np.newaxis], landmarks[np.newaxis]).numpy()
    side = 1.168 * np.sqrt(40 * 52)
    left, top = np.array([50, 50]) + side * np.array([0.014, -0.053]) - side / 2
    np.testing.assert_allclose(square, [left, top, side, side], rtol=1e-5)
    shifted = box + np.float32([7, 0, 7, 0])
    (moved,) = face_squares(shifted[np.newaxis], (landmarks + np.float32([7, 0]))[np.newaxis])
    np.testing.assert_allclose(moved - square, [7, 0, 0, 0], atol=1e-4)


def test_squares_too_large_for_a_face_are_left_out_and_others_come_from_left_to_right(monkeypatch):
    lefts, sides = np.float32([200, 20, 20, 100, 10]), np.float32([60, 250, 260, 0, 50])
    tops = np.full_like(lefts, 10)
    boxes = np.stack([lefts, tops, lefts + sides, tops + sides], axis=1)
    landmarks = (
        np.stack([lefts, tops], axis=1)[:, np.newaxis] + sides[:, np.newaxis, np.newaxis] / 2
    )
    found = cascade_module.Faces(boxes, np.float32([0.99, 0.98, 0.97, 0.96, 0.95]), landmarks)
    monkeypatch.setattr(framing, "cascade", lambda *_: found)
    squares, scores = framing.find_squares(np.zeros((200, 300, 3), np.uint8), 0.9)
    # 1.168 · 260 is more than one and a half times 200.
    np.testing.assert_allclose(squares[:, 2], 1.168 * np.array([250, 50, 60]), rtol=1e-5)
    np.testing.assert_allclose(scores, [0.98, 0.95, 0.99], rtol=1e-6)


def test_where_no_face_is_found_it_looks_again_at_four_fifths_of_the_size(monkeypatch):
    landmarks = np.array([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]], np.float32)
    face = cascade_module.Faces(
        np.float32([[30, 20, 70, 72]]), np.float32([0.99]), landmarks[np.newaxis]
    )
    none = cascade_module.Faces(*(each[:0] for each in face))
    for shape, sizes in (
        ((800, 1600), [(400, 800), (320, 640)]),
        ((50, 100), [(50, 100), (40, 80)]),
    ):
        for found in ([face], [none, face], [none, none]):
            answers, seen = iter(found), []

            def stand_in(small, min_score, answers=answers, seen=seen):
                seen.append((tuple(small.shape[:2]), float(min_score)))
                return next(answers)

            monkeypatch.setattr(framing, "cascade", stand_in)
            pixels = np.zeros((*shape, 3), np.uint8)
            squares, scores = framing.find_squares(pixels, np.float32(0.9))
            expected = list(zip(sizes, (np.float32(0.9), pytest.approx(0.95)), strict=True))
            assert seen == expected[: len(found)]
            assert len(squares) == len(scores) == len(found[-1].scores)
            if len(squares):
                enlarged = shape[0] / seen[-1][0][0]
                expected = enlarged * face_squares(face.boxes, landmarks[np.newaxis])
                np.testing.assert_allclose(squares, expected, rtol=1e-5)


def test_no_pixel_is_passed_over_when_a_photograph_is_shrunk():
    lines = np.zeros((40, 3200, 3), np.uint8)
    lines[:, 3::4] = 255
    small = framing.shrink(lines).numpy()
    assert small.shape == (10, 800, 3)
    np.testing.assert_allclose(small[:, 2:-2], 255 / 4, atol=1)


def test_a_large_photograph_is_shrunk_first_and_its_squares_are_carried_back(crowd):
    wide = np.pad(crowd, ((0, 0), (0, 200), (0, 0))).astype(np.uint8)  # 800 px, not shrunk
    squares, scores = square_finder()(wide, np.float32(0.9))
    large = wide.repeat(2, axis=0).repeat(2, axis=1)
    assert framing.shrink(large).shape == (420, 800, 3)
    twice, same_scores = square_finder()(large, np.float32(0.9))
    np.testing.assert_allclose(twice, 2 * squares, atol=4)
    np.testing.assert_allclose(same_scores, scores, atol=0.05)
    assert np.all(np.diff(squares[:, 0]) > 0)  # from left to right
