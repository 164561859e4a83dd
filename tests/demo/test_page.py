"""The page in a browser: files, the webcam, the clipboard; points, messages and the JSON."""

import base64
import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image

import data_pipeline
from keypoint_finder import KeypointFinder
from tests import run_fixtures, small_data
from tests.demo import page_process
from tests.demo.browser import CHROMIUM, browser
from trained_nets.run_folder import RunFolder

pytest.importorskip("gradio", reason="the extra demo is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

LABELLERS = ["first", "second"]
INPUT = "#photograph input[type=file]"
# Each point's centre in px of the photograph, (0, 0) at the centre of the top left pixel.
POINTS = """(() => {
  const image = document.querySelector(".photograph img"), all = image.getBoundingClientRect();
  const found = [...document.querySelectorAll(".photograph .point")].map(point => {
    const {left, top, width, height} = point.getBoundingClientRect();
    return [point.getAttribute("aria-label"),
            (left + width / 2 - all.left) / all.width * image.naturalWidth - 0.5,
            (top + height / 2 - all.top) / all.height * image.naturalHeight - 0.5];
  });
  return image.complete && all.width > 0 ? found : [];
})()"""
MISNAMED = """[...document.querySelectorAll(".photograph .point")].filter(point => {
  const {left, top, width, height} = point.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2) !== point;
}).map(point => point.getAttribute("aria-label"))"""
WEBCAM = '[aria-label="Capture from camera"]'
PASTE = '[aria-label="Paste from clipboard"]'
MESSAGE = "document.querySelector('.message')?.innerText"
JSON_TEXT = "document.querySelector('#json textarea').value"


@pytest.fixture(scope="module")
def run_path(small_folder, tmp_path_factory):
    """A net that learned from two labellers; the second's points are 9 px off the first's.

    Its answer moves with the brightness of the face, so that faces can't be mixed up.
    """
    data = data_pipeline.load_faces(small_folder)
    path = run_fixtures.write_run(tmp_path_factory.mktemp("runs") / "net", data)
    run = RunFolder(path)
    run.write_config({**run.read_config(), "labellers": LABELLERS})
    points = np.nanmean(data.keypoints, axis=0)
    run.save_model(run_fixtures.mean_net(np.concatenate([points, points + 9]), brightness=1.0))
    return path


@pytest.fixture(scope="module")
def address(run_path, tmp_path_factory):
    """The page's address; once it has ended, no picture that was sent is left."""
    temporary = tmp_path_factory.mktemp("temporary")
    with page_process.running(temporary, "--run", run_path) as address:
        yield address
        assert list(temporary.glob("facial_keypoints_*/**/*.png"))
    assert not list(temporary.glob("facial_keypoints_*"))


@contextlib.contextmanager
def opened(address, folder, options=()):
    with browser(folder, options=options) as page:
        page.resize(1280, 900)
        page.open(f"{address}/")
        for part in (INPUT, "#detect input", "#json textarea"):
            page.wait_for(f"document.querySelector('{part}') !== null")
        yield page


@pytest.fixture
def page(address, tmp_path):
    with opened(address, tmp_path / "browser") as page:
        yield page


def click(page, selector):
    page.wait_for(f"document.querySelector('{selector}') !== null")
    page.evaluate(f"document.querySelector('{selector}').click()")


def look_for_no_faces(page):
    click(page, "#detect input")


def start_webcam(page):
    click(page, WEBCAM)
    click(page, '[title="grant webcam access"] button')


def copy_face(page, folder, row):
    """Puts a face into the clipboard, 240×192; returns its file."""
    file = folder / f"face{row}.png"
    Image.fromarray(small_data.faces()[0][row, :, :, 0]).resize((240, 192)).save(file)
    content = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(
        f"fetch('data:image/png;base64,{content}').then(got => got.blob())"
        ".then(png => navigator.clipboard.write([new ClipboardItem({'image/png': png})]))"
    )
    return file


def write_video(path, gray):
    """Writes a still picture, uint8 `(height, width)`, both even, as a YUV4MPEG2 video.

    Source: https://wiki.multimedia.cx/index.php/YUV4MPEG2; luma from 16 to 235, as in BT.601.
    """
    height, width = gray.shape
    luma = np.rint(16 + gray * (219 / 255)).astype(np.uint8)
    no_color = np.full(height * width // 2, 128, np.uint8)
    frame = b"FRAME\n" + luma.tobytes() + no_color.tobytes()
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420\n".encode() + 2 * frame)


def test_points_appear_where_the_finder_finds_them(page, address, run_path, tmp_path):
    file = tmp_path / "face.png"
    Image.fromarray(small_data.faces()[0][0, :, :, 0]).resize((240, 192)).save(file)
    look_for_no_faces(page)
    page.upload(INPUT, file)
    shown = page.wait_for(POINTS)
    (expected,) = KeypointFinder(run_path, detect=False)(file)
    assert [name.replace(" ", "_") for name, *_ in shown] == list(expected.names)
    np.testing.assert_allclose([place for _, *place in shown], expected.points, atol=0.2)

    (record,) = json.loads(page.wait_for(JSON_TEXT))
    assert (record["picture"], record["width"], record["height"]) == ("face.png", 240, 192)
    for name, place in record["faces"][0]["keypoints"].items():
        np.testing.assert_allclose(place, expected.keypoints[name], atol=0.006)

    x, y = page.evaluate(
        "(() => { const {x, y, width} = document.querySelector('[aria-label=\"nose tip\"]')"
        ".getBoundingClientRect(); return [x + width / 2, y + width / 2]; })()"
    )
    named = (
        "getComputedStyle(document.querySelector('[aria-label=\"nose tip\"]'), '::after').content"
    )
    assert page.evaluate(named) == "none"
    page.hover(x, y)
    assert page.wait_for(f"{named} !== 'none' && {named}") == '"nose tip"'

    page.resize(360, 740)
    assert page.wait_for("document.documentElement.scrollWidth <= 360")
    np.testing.assert_allclose(
        [place for _, *place in page.evaluate(POINTS)], expected.points, atol=0.5
    )
    own = (f"{address}/", "data:", "blob:")
    assert [each for each in page.addresses if not each.startswith(own)] == []


def test_a_file_that_is_no_picture_gets_one_sentence(page, tmp_path):
    file = tmp_path / "<img src=x onerror=alert(1)>.png"
    file.write_bytes(b"no picture")
    page.upload(INPUT, file)
    message = page.wait_for(MESSAGE)
    assert message == (
        "The picture must be a PNG, JPEG, BMP or GIF file. Received another format; its length in "
        "bytes: 10."
    )
    assert "Traceback" not in page.evaluate("document.body.innerText")
    assert page.evaluate("document.querySelectorAll('.photograph').length") == 0


def test_the_webcams_picture_is_answered_unmirrored(address, run_path, tmp_path):
    face = Image.fromarray(small_data.faces()[0][0, :, :, 0]).resize((320, 240))
    frame = np.array(face)
    frame[:, 160:] //= 3  # so that its mirror image is another
    write_video(tmp_path / "camera.y4m", frame)
    options = (
        "--use-fake-ui-for-media-stream",  # "yes" to the question for the webcam
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
    )
    with opened(address, tmp_path / "browser", options) as page:
        look_for_no_faces(page)
        start_webcam(page)
        page.wait_for("document.querySelector('#photograph video').videoWidth")
        click(page, '[aria-label="capture photo"]')
        points = page.wait_for(POINTS)
        sent = page.evaluate("document.querySelector('.photograph img').src").split(",")[1]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(sent))).convert("L"))
    assert np.abs(shown - frame.astype(int)).mean() < 3
    (expected,) = KeypointFinder(run_path, detect=False)(Image.fromarray(frame))
    np.testing.assert_allclose([place for _, *place in points], expected.points, atol=0.5)


def test_a_refused_webcam_gets_one_sentence_until_the_next_attempt(address, tmp_path):
    options = (
        "--deny-permission-prompts",
        "--use-fake-device-for-media-stream",
        "--host-resolver-rules=MAP page.test 127.0.0.1",
    )
    with opened(address, tmp_path / "browser", options) as page:
        start_webcam(page)
        assert page.wait_for(MESSAGE).startswith("The browser does not let this page use the webc")
        click(page, '[aria-label="Upload file"]')
        page.wait_for("document.querySelector('.message') === null")

        page.open(address.replace("127.0.0.1", "page.test"))  # as from another machine
        page.wait_for("location.hostname === 'page.test'")
        click(page, PASTE)
        assert page.wait_for(MESSAGE).startswith("The browser allows this only on the machine")


def test_a_picture_is_pasted(page, address, run_path, tmp_path):
    page.allow_clipboard(address)
    page.evaluate("navigator.clipboard.writeText('no picture')")
    click(page, PASTE)
    assert page.wait_for(MESSAGE) == "The clipboard holds no picture."

    copied = copy_face(page, tmp_path, row=2)
    look_for_no_faces(page)
    click(page, PASTE)
    shown = page.wait_for(POINTS)
    (expected,) = KeypointFinder(run_path, detect=False)(copied)
    np.testing.assert_allclose([place for _, *place in shown], expected.points, atol=0.2)
    assert page.evaluate("document.querySelector('.message') === null")


def test_ctrl_v_pastes_a_picture_in_place_of_another_and_of_the_webcam(
    page, address, run_path, tmp_path
):
    page.allow_clipboard(address)
    page.evaluate("navigator.clipboard.writeText('no picture')")
    page.press_ctrl_v()
    assert page.wait_for(MESSAGE) == "The clipboard holds no picture."

    look_for_no_faces(page)
    find = KeypointFinder(run_path, detect=False)
    for row in (2, 0, 1):
        copied = copy_face(page, tmp_path, row)
        page.press_ctrl_v()
        (expected,) = find(copied)
        page.wait_for(f"Math.abs({POINTS}[0]?.[1] - {expected.points[0, 0]}) < 0.2")
        shown = page.evaluate(POINTS)
        np.testing.assert_allclose([place for _, *place in shown], expected.points, atol=0.2)
        assert page.evaluate("document.querySelector('.message') === null")
        if row == 0:
            click(page, WEBCAM)
            page.wait_for("document.querySelector('[title=\"grant webcam access\"]') !== null")


def test_text_is_pasted_into_a_box_of_the_page(page, address):
    page.allow_clipboard(address)
    page.evaluate("navigator.clipboard.writeText('preset:heatmap_s')")
    page.evaluate("document.querySelector('#net input').select()")
    page.press_ctrl_v()
    page.wait_for("document.querySelector('#net input').value === 'preset:heatmap_s'")
    assert page.evaluate("document.querySelector('.message') === null")


def test_the_json_is_copied(page, address, tmp_path):
    page.allow_clipboard(address)
    file = tmp_path / "face.png"
    Image.fromarray(small_data.faces()[0][0, :, :, 0]).save(file)
    look_for_no_faces(page)
    page.upload(INPUT, file)
    shown = page.wait_for(JSON_TEXT)
    click(page, "#json [aria-label=Copy]")
    page.wait_for("navigator.clipboard.readText().then(text => text.startsWith('['))")
    (record,) = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert [record] == json.loads(shown)
    assert (record["picture"], len(record["faces"])) == ("face.png", 1)


def test_the_labeller_can_be_chosen(page, run_path, tmp_path):
    file = tmp_path / "face.png"
    Image.fromarray(small_data.faces()[0][1, :, :, 0]).save(file)
    look_for_no_faces(page)
    page.wait_for("document.querySelector('#labels-of input')?.value === 'first'")
    page.upload(INPUT, file)
    places = {"first": page.wait_for(POINTS)}
    page.evaluate("document.querySelector('#labels-of input').focus()")
    second = "document.querySelector('#labels-of [role=option][aria-label=second]')"
    page.wait_for(f"{second} !== null")
    page.evaluate(f"{second}.dispatchEvent(new MouseEvent('mousedown', {{bubbles: true}}))")
    page.wait_for(f"{POINTS}[0][1] > {places['first'][0][1] + 4}")
    places["second"] = page.wait_for(POINTS)
    for name in LABELLERS:
        (expected,) = KeypointFinder(run_path, detect=False, labels_of=name)(file)
        shown = [place for _, *place in places[name]]
        np.testing.assert_allclose(shown, expected.points, atol=0.2)


def test_two_faces_are_found(page, run_path, real_faces, tmp_path):
    data = data_pipeline.load_faces(real_faces)
    canvas = Image.new("L", (700, 400), 110)
    for x, row in ((60, 0), (400, 400)):
        face = Image.fromarray(data.images[row, :, :, 0])
        canvas.paste(face.resize((200, 200), Image.Resampling.BICUBIC), (x, 100))
    file = tmp_path / "two.png"
    canvas.save(file)
    page.upload(INPUT, file)
    shown = page.wait_for(POINTS)
    assert page.evaluate("document.querySelectorAll('.photograph .face').length") == 2
    assert page.evaluate("document.querySelector('figcaption').innerText").startswith("2 faces.")
    expected = np.concatenate([face.points for face in KeypointFinder(run_path)(file)])
    np.testing.assert_allclose([place for _, *place in shown], expected, atol=0.7)

    page.resize(360, 740)
    page.evaluate("document.querySelector('.photograph').scrollIntoView()")
    # Close points of small faces: each has its own name at its centre, not its neighbour's.
    assert page.evaluate(MISNAMED) == []
