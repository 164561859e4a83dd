"""What `serve_bytes` refuses is refused here, in one sentence."""

import numpy as np
import pytest
from PIL import Image

import pictures
from demo.answering import answer
from demo.rules import require_allowed
from errors import UserError
from tests.export_stand_in import colour_picture, encode


def animated():
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 255)]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF"])
def test_the_four_formats_are_allowed(file_format):
    require_allowed(encode(colour_picture(40, 30), file_format))


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (b"no picture", "must be a PNG, JPEG, BMP or GIF file. Received another format"),
        (b"", "must be a PNG, JPEG, BMP or GIF file. Received another format"),
        (encode(colour_picture(40, 30), "WEBP"), "must be a PNG, JPEG, BMP or GIF file"),
        (encode(Image.new("L", (4097, 4097)), "PNG"), "Received width, height: 4097 4097."),
        (encode(Image.new("L", (2**14 + 1, 1)), "BMP"), "at most 16384 on a side"),
        (encode(colour_picture(40, 30), "PNG")[:300], "must be a complete PNG"),
        (encode(colour_picture(40, 30), "JPEG")[:100], "must be a whole JPEG. Received one"),
        (animated(), "must not be animated"),
    ],
    ids=["text", "empty", "webp", "pixels", "side", "half a PNG", "half a JPEG", "animated"],
)
def test_refusals_are_one_sentence(contents, told):
    with pytest.raises(UserError) as refusal:
        require_allowed(contents)
    message = str(refusal.value)
    assert message.startswith("The picture must ")
    assert told in message
    assert message.endswith(".")
    for inner in ("\n", "{{", "assertion", "batch", "node"):
        assert inner not in message


class Stubborn:
    """A net that no refused picture reaches."""

    names = ("nose_tip",)

    def predict(self, images):
        raise AssertionError("a net was asked about a refused picture")


def test_no_net_sees_a_refused_picture(tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="must be a PNG"):
        answer(tmp_path / "0.png", "mine.png", Stubborn())


def test_what_only_pillow_refuses_is_told_by_its_owners_name(tmp_path, monkeypatch):
    file = tmp_path / "0.png"
    file.write_bytes(encode(colour_picture(40, 30), "PNG"))
    monkeypatch.setattr("pictures.reading.MAX_PIXELS", 100)
    with pytest.raises(pictures.UnreadablePictureError) as refusal:
        answer(file, "mine.png", Stubborn())
    assert str(refusal.value).startswith("mine.png cannot be read as a picture")


def test_a_photograph_that_is_no_longer_there_is_told(tmp_path):
    with pytest.raises(UserError, match="has been deleted from here; send it again"):
        answer(tmp_path / "face.png", "face.png", net=None)
