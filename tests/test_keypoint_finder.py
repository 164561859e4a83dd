"""The few lines of Python that find keypoints in a picture of any form."""

import io
import types

import numpy as np
import pytest
from PIL import Image

import pictures
from keypoint_finder import KeypointFinder
from tests import small_data
from trained_nets.loading import load_net


@pytest.fixture(scope="module")
def face():
    return small_data.faces()[0][0, :, :, 0]


@pytest.fixture(scope="module")
def find():
    return KeypointFinder("preset:heatmap_s", detect=False)


def test_a_picture_may_be_a_file_its_bytes_an_array_or_pillows(find, face, tmp_path):
    file = tmp_path / "face.png"
    Image.fromarray(face).save(file)
    color = np.repeat(face[..., None], 3, axis=2)
    forms = (file, str(file), file.read_bytes(), face, color, Image.fromarray(face).convert("P"))
    expected = load_net("preset:heatmap_s").predict(face[None, ..., None])[0]
    for form in forms:
        (found,) = find(form)
        np.testing.assert_allclose(list(found.keypoints.values()), expected, atol=0.05)
        assert found.box == pictures.Box(0, 0, 96, 96)
        assert found.confidence is None
    assert list(found.keypoints) == list(find.net.names)


@pytest.mark.parametrize("option", [{"flip_average": True}, {"labels_of": "faces"}])
def test_it_averages_with_the_mirror_image_and_answers_as_any_labeller(find, face, option):
    (found,) = KeypointFinder("preset:heatmap_s", detect=False, **option)(face)
    expected = load_net("preset:heatmap_s", **option).predict(face[None, ..., None])[0]
    np.testing.assert_allclose(found.points, expected, atol=0.05)
    (plain,) = find(face)
    assert np.abs(plain.points - expected).max() > 0.2


def test_it_tells_how_uncertain_it_is_if_asked_to(find, face):
    (plain,), (found,) = (
        find(face),
        KeypointFinder("preset:heatmap_s", False, uncertainty=True)(face),
    )
    assert plain.uncertainty_by_name == {}
    assert found.uncertainty_by_name.keys() == found.keypoints.keys()
    assert 0 <= min(found.uncertainty_by_name.values()) < max(found.uncertainty_by_name.values())
    np.testing.assert_allclose(found.points, plain.points, atol=0.05)


def test_pillows_picture_is_taken_as_its_file_is_whatever_its_mode(face, tmp_path):
    class Watched:
        names = ()

        def predict(self, images):
            self.seen = images
            return np.zeros((len(images), 0, 2), np.float32)

    find = KeypointFinder("preset:heatmap_s", detect=False)
    find.net = Watched()
    deep = Image.fromarray(face.astype(np.uint16) * 257)
    clear = Image.fromarray(face).convert("RGBA")
    clear.putalpha(Image.fromarray(255 - face))
    for picture in (deep, clear, Image.fromarray(face)):
        picture.save(tmp_path / "face.png")
        find(tmp_path / "face.png")
        by_path = find.net.seen
        find(picture)
        np.testing.assert_array_equal(find.net.seen, by_path)
    np.testing.assert_array_equal(by_path[0, :, :, 0], face)


def test_faces_are_found_in_a_photograph(face):
    find = KeypointFinder("preset:heatmap_s", min_confidence=0.5)
    assert find(np.full((200, 300, 3), 127, np.uint8)) == []


def test_the_confidence_that_is_asked_for_reaches_the_detector(monkeypatch):
    monkeypatch.setattr(pictures, "FaceDetector", lambda *asked: types.SimpleNamespace(asked=asked))
    find = KeypointFinder("preset:heatmap_s", min_confidence=0.5)
    assert find._detector.asked == (0.5,)


@pytest.mark.parametrize(
    "array", [np.zeros((8, 8)), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 8), np.uint8)]
)
def test_other_arrays_are_refused(find, array):
    with pytest.raises(ValueError, match="A picture is uint8"):
        find(array)


def test_bytes_that_are_no_picture_are_refused(find):
    with pytest.raises(pictures.UnreadablePictureError, match="cannot be read as a picture"):
        find(io.BytesIO(b"no picture").getvalue())
