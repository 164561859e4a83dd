"""Pictures as `serve_bytes` gets them: every format against Pillow, and files that are refused."""

import io
import itertools
import struct
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from exporting import open_saved_model, picture_decoding
from exporting.picture_rules import MAX_PIXELS, MAX_SIDE, Checked
from tests.export_stand_in import (
    colour_picture,
    encode,
    pillow_keypoints,
    published,
    stand_in_model,
)
from tests.exporting.hostile_pictures import RGB, interlaced_rows, pixel_chunk, png, png_chunk

COLOUR = colour_picture(150, 131)
GRAY = COLOUR.convert("L")
RGBA = Image.merge("RGBA", (*COLOUR.split(), GRAY))
SIXTEEN_BITS = Image.fromarray(np.asarray(GRAY, np.uint16) * 256 + 77)


def png_texts():
    texts = PngInfo()
    texts.add_text("Title", "a face")
    texts.add_text("Raw profile type exif", "45786966 " * 100, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", "<x/>", zip=True)
    return texts


def png_interlaced(picture):
    pixels = np.asarray(picture)
    height, width, _ = pixels.shape
    rows = interlaced_rows(width, height, lambda xs, y: b"\0" + pixels[y, xs].tobytes())
    return png(width, height, pixel_chunk(rows), colour=RGB, interlaced=True)


def jpeg_with_others_in_it():
    """As cameras write them: a film after the picture's end, a thumbnail in its EXIF block."""
    scans = b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 200
    return encode(COLOUR, "JPEG", exif=b"Exif\0\0" + scans, restart_marker_rows=1) + scans


def jpeg_cmyk_without_adobes_segment():
    """Pillow takes it for one of Adobe's, as those with the segment are: 255 is no ink."""
    content = encode(COLOUR.convert("CMYK"), "JPEG")
    start = content.index(b"\xff\xee\0\x0eAdobe")
    return content[:start] + content[start + 16 :]


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FILES = {
    "PNG gray": encode(GRAY, "PNG"),
    "PNG RGB": encode(COLOUR, "PNG"),
    "PNG RGBA": encode(RGBA, "PNG"),
    "PNG gray with alpha": encode(COLOUR.convert("LA"), "PNG"),
    "PNG black and white": encode(COLOUR.convert("1"), "PNG"),
    "PNG palette": encode(COLOUR.quantize(64), "PNG"),
    "PNG palette with a transparent colour": encode(COLOUR.quantize(64), "PNG", transparency=3),
    "PNG with texts and a colour profile": encode(
        COLOUR, "PNG", pnginfo=png_texts(), icc_profile=PROFILE
    ),
    "PNG interlaced": png_interlaced(COLOUR),
    "JPEG gray": encode(GRAY, "JPEG"),
    "JPEG RGB": encode(COLOUR, "JPEG"),
    "JPEG progressive": encode(COLOUR, "JPEG", progressive=True, quality=60),
    "JPEG CMYK": encode(COLOUR.convert("CMYK"), "JPEG"),
    "JPEG CMYK without Adobe's segment": jpeg_cmyk_without_adobes_segment(),
    "JPEG with a colour profile": encode(COLOUR, "JPEG", icc_profile=PROFILE),
    "JPEG with others in it": jpeg_with_others_in_it(),
    "JPEG stored as RGB": encode(COLOUR, "JPEG", keep_rgb=True),
    "BMP 24 bits": encode(COLOUR, "BMP"),
    "BMP 32 bits": encode(RGBA, "BMP"),
    "BMP gray": encode(GRAY, "BMP"),
    "BMP palette": encode(COLOUR.quantize(64), "BMP"),
    "BMP of four colours": encode(COLOUR.quantize(4), "BMP"),
    "GIF": encode(COLOUR, "GIF"),
    "GIF gray": encode(GRAY, "GIF"),
    "GIF interlaced with a comment": encode(COLOUR, "GIF", interlace=1, comment=b"x" * 600),
}


@pytest.fixture(scope="module")
def model():
    return stand_in_model()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    with open_saved_model(published(tmp_path_factory)) as saved:
        yield saved


@pytest.fixture(scope="module")
def serve_bytes(saved):
    def run(*files):
        answer = saved.run("serve_bytes", image_bytes=np.array(files, object))
        assert not any(answer["error"])
        return answer["keypoints"]

    return run


def kinds_of_answers(answer):
    """For each picture, its message, or "" if it has keypoints; never both, never neither."""
    messages = [message.decode() for message in answer["error"]]
    for message, keypoints in zip(messages, answer["keypoints"], strict=True):
        assert (np.isnan(keypoints) if message else np.isfinite(keypoints)).all()
    return messages


@pytest.mark.parametrize("kind", FILES)
def test_answer_equals_pillow_and_numpy(kind, serve_bytes, model):
    picture = Image.open(io.BytesIO(FILES[kind]))
    expected = pillow_keypoints(model, picture.convert("RGB"))
    np.testing.assert_allclose(serve_bytes(FILES[kind])[0], expected, atol=0.01)


def test_sixteen_bit_png_keeps_its_high_bytes(serve_bytes, model):
    answer = serve_bytes(encode(SIXTEEN_BITS, "PNG"))[0]
    np.testing.assert_allclose(answer, pillow_keypoints(model, GRAY), atol=0.01)


def test_bmp_with_rows_from_top_to_bottom(serve_bytes, model):
    upside_down = bytearray(encode(GRAY.transpose(Image.Transpose.FLIP_TOP_BOTTOM), "BMP"))
    upside_down[22:26] = struct.pack("<i", -GRAY.height)
    answer = serve_bytes(bytes(upside_down))[0]
    np.testing.assert_allclose(answer, pillow_keypoints(model, GRAY), atol=0.01)


@pytest.mark.parametrize("size", [(1, 1), (20, 17), (96, 96), (97, 95), (640, 480), (31, 700)])
def test_any_size_answers_in_its_own_pixels(size, serve_bytes, model):
    picture = colour_picture(*size)
    answer = serve_bytes(encode(picture, "PNG"))[0]
    np.testing.assert_allclose(answer, pillow_keypoints(model, picture), atol=0.01)


def test_the_same_face_at_twice_the_width_by_hand(serve_bytes):
    """An even gray looks the same at any size; x → (x + ½) · 192/96 − ½ = 2x + ½, y stays."""
    small = serve_bytes(encode(Image.new("L", (96, 96), 90), "PNG"))
    wide = serve_bytes(encode(Image.new("L", (192, 96), 90), "PNG"))
    np.testing.assert_allclose(wide, small * [2, 1] + [0.5, 0], atol=0.001)


def test_sizes_and_formats_may_differ_within_a_batch(serve_bytes, model):
    pictures = [colour_picture(40, 50), COLOUR, colour_picture(300, 200), colour_picture(96, 96)]
    answers = serve_bytes(*(encode(picture, "BMP") for picture in pictures[:2]),
                          *(encode(picture, "PNG") for picture in pictures[2:]))  # fmt: skip
    expected = [pillow_keypoints(model, picture) for picture in pictures]
    np.testing.assert_allclose(answers, expected, atol=0.01)


def test_an_empty_batch_gets_an_empty_answer(saved):
    answer = saved.run("serve_bytes", image_bytes=np.array([], object))
    assert answer["keypoints"].shape == (0, 15, 2)
    assert answer["error"].shape == (0,)


def png_of_size(width, height):
    """A complete PNG, as far as its header and first chunks tell, of a few bytes."""
    return png(width, height, pixel_chunk(bytes(100)))


def png_with_a_hidden_size(width, height):
    """A private chunk, which decoders skip, stands where the size belongs; it claims 2×2 pixels."""
    file = png_of_size(width, height)
    return file[:8] + png_chunk(b"prVt", struct.pack(">II", 2, 2)) + file[8:]


def jpeg_of_size(width, height):
    file = FILES["JPEG RGB"]
    frame = file.index(b"\xff\xc0") + 5
    return file[:frame] + struct.pack(">HH", height, width) + file[frame + 4 :]


def bmp_of_size(width, height):
    file = FILES["BMP 24 bits"]
    return file[:18] + struct.pack("<ii", width, height) + file[26:]


def gif_of_size(width, height):
    file = encode(Image.new("P", (2, 2)), "GIF")
    size = struct.pack("<HH", width, height)
    frame = file.index(b"\x2c\0\0\0\0") + 5
    return file[:6] + size + file[10:frame] + size + file[frame + 4 :]


def animated(file_format):
    frames = [colour_picture(30, 30, seed) for seed in range(3)]
    return encode(frames[0], file_format, save_all=True, append_images=frames[1:])


TOO_MANY = f"at most {MAX_PIXELS} pixels"
REFUSED = {
    "animated GIF": (animated("GIF"), "must not be animated"),
    "animated PNG": (animated("PNG"), "must not be animated"),
    "huge PNG": (png_of_size(60000, 60000), TOO_MANY),
    "PNG of more than 2**31 pixels on a side": (png_of_size(2**32 - 1, 2**32 - 1), TOO_MANY),
    "huge PNG with a chunk before its size": (
        png_with_a_hidden_size(12000, 12000),
        "first chunk is IHDR",
    ),
    "long thin PNG": (png_of_size(1, MAX_SIDE + 1), f"at most {MAX_SIDE} on a side"),
    "huge JPEG": (jpeg_of_size(65000, 65000), TOO_MANY),
    "huge BMP": (bmp_of_size(2**31 - 1, -(2**31)), TOO_MANY),
    "empty BMP": (bmp_of_size(0, 10), TOO_MANY),
    "huge GIF": (gif_of_size(65535, 65535), TOO_MANY),
    "GIF with a frame larger than its canvas": (
        gif_of_size(2, 2)[:6] + b"\1\0\1\0" + gif_of_size(2, 2)[10:],
        "frame fills its canvas",
    ),
    "BMP of 1 bit": (encode(COLOUR.convert("1"), "BMP"), "uncompressed BMP of 8, 24 or 32 bits"),
    "BMP compressed": (FILES["BMP gray"][:30] + b"\1" + FILES["BMP gray"][31:], "uncompressed BMP"),
    "BMP with an OS/2 header": (
        FILES["BMP 24 bits"][:14] + b"\x0c" + FILES["BMP 24 bits"][15:],
        "must be a Windows BMP",
    ),
    "BMP whose palette begins after its pixels": (
        FILES["BMP gray"][:14] + struct.pack("<I", 2000) + FILES["BMP gray"][18:],
        "must be a BMP whose pixels follow its header",
    ),
    "BMP whose pixels begin after its end": (
        FILES["BMP gray"][:10] + struct.pack("<I", 10**6) + FILES["BMP gray"][14:],
        "must be a BMP whose pixels follow its header",
    ),
    "BMP cut short": (
        FILES["BMP 24 bits"][:1000],
        "must be a whole BMP. Received one that the decoder refuses",
    ),
    "PNG cut short": (FILES["PNG RGB"][:1000], "must be a complete PNG"),
    "PNG without its end": (FILES["PNG RGB"][:-12], "must be a complete PNG"),
    "PNG with more compressed pixels than pixels": (
        png(1, 1, png_chunk(b"IDAT", bytes(70_000))),
        "more compressed pixel data than pixels. Received, allowed bytes: 70000 65539",
    ),
    "PNG header alone": (FILES["PNG RGB"][:33], "must be a complete PNG"),
    "PNG magic alone": (FILES["PNG RGB"][:8], "must be a complete PNG"),
    "JPEG cut short": (
        FILES["JPEG RGB"][:1000],
        "must be a whole JPEG. Received one that the decoder refuses",
    ),
    "JPEG header alone": (
        FILES["JPEG RGB"][:20],
        "must be a whole JPEG. Received one without a size",
    ),
    "GIF cut short": (FILES["GIF"][:1000], "must be a complete GIF"),
    "GIF header alone": (FILES["GIF"][:6], "must be a complete GIF"),
    "WebP": (encode(COLOUR, "WEBP"), "must be a PNG, JPEG, BMP or GIF"),
    "text": (b"no picture", "must be a PNG, JPEG, BMP or GIF"),
    "nothing": (b"", "must be a PNG, JPEG, BMP or GIF"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusal_names_the_rule(kind, saved):
    file, rule = REFUSED[kind]
    start = time.perf_counter()
    (message,) = kinds_of_answers(saved.run("serve_bytes", image_bytes=np.array([file], object)))
    assert time.perf_counter() - start < 5
    assert message.startswith("The picture must ")
    assert rule in message


def test_refused_pictures_leave_their_neighbours_answers_as_they_are(saved):
    """As when a server merges the requests of several clients into one batch."""
    sound = list(FILES.values())
    refused = [file for file, _ in REFUSED.values()]
    mixed = [file for pair in itertools.zip_longest(sound, refused) for file in pair if file]
    answer = saved.run("serve_bytes", image_bytes=np.array(mixed, object))
    messages = dict(zip(mixed, kinds_of_answers(answer), strict=True))
    assert [messages[file] for file in sound] == [""] * len(sound)
    assert all(messages[file] for file in refused if file)
    keypoints = dict(zip(mixed, answer["keypoints"], strict=True))
    alone = saved.run("serve_bytes", image_bytes=np.array(sound, object))["keypoints"]
    np.testing.assert_allclose([keypoints[file] for file in sound], alone, atol=1e-4)


def test_message_is_the_same_wherever_the_picture_is_in_a_batch(saved):
    files = [FILES["PNG gray"], animated("GIF"), FILES["GIF"], animated("GIF")]
    messages = kinds_of_answers(saved.run("serve_bytes", image_bytes=np.array(files, object)))
    refused = "The picture must not be animated. Received a GIF with several frames"
    assert messages == ["", refused, "", refused]


@pytest.mark.parametrize("kind", ["PNG palette", "JPEG progressive", "BMP palette", "GIF"])
def test_damaged_files_are_answered_or_refused_but_never_fatal(kind, saved):
    random = np.random.default_rng(0)
    files = []
    for _ in range(25):
        damaged = bytearray(FILES[kind])
        for place in random.integers(0, min(len(damaged), 1200), 4):
            damaged[place] = random.integers(256)
        files.append(bytes(damaged[: random.integers(len(damaged) // 2, 2 * len(damaged))]))
    answer = saved.run("serve_bytes", image_bytes=np.array([*files, FILES[kind]], object))
    *messages, last = kinds_of_answers(answer)
    assert any(messages)
    assert last == ""


def test_jpeg_whose_size_the_decoder_reads_elsewhere_is_not_decoded():
    """Were the walk ever to miss the decoder's frame, the wrong size must not let it decode."""
    picture = Checked(tf.constant(""), tf.constant([2, 2], tf.int64), FILES["JPEG RGB"], None)
    with pytest.raises(tf.errors.InvalidArgumentError):
        picture_decoding._decode_jpeg(picture)
