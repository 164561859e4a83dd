"""Visitors are answered only about the files that they sent, whatever path their request names."""

import io
import json
import uuid

import pytest
from PIL import Image

from tests import small_data
from tests.demo import page_process

pytest.importorskip("gradio", reason="the extra demo is not installed")


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def visitor(temporary):
    with page_process.running(temporary) as address:
        yield Visitor(address)


@pytest.fixture
def elsewhere(tmp_path):
    """A picture of this machine that nobody sent."""
    path = tmp_path / "private.png"
    path.write_bytes(face())
    return path


class Visitor:
    """Asks as the page's script does, but for any path."""

    def __init__(self, address):
        import httpx  # Gradio needs it

        self._get = httpx.Client(base_url=f"{address}/gradio_api", timeout=120)
        functions = httpx.get(f"{address}/config").json()["dependencies"]
        self._asked = next(each["id"] for each in functions if len(each["inputs"]) == 4)

    def send(self, content):
        (path,) = self._get.post("/upload", files={"files": ("face.png", content)}).json()
        return path

    def read(self, path):
        answer = self._get.get(f"/file={path}")
        return answer.status_code, answer.text

    def ask(self, path, **more):
        """Returns the answer's HTML; empty if Gradio refuses."""
        named = {"path": str(path), "meta": {"_type": "gradio.FileData"}, **more}
        data = [named, "preset:heatmap_s", None, False]
        visit = uuid.uuid4().hex
        question = {"data": data, "fn_index": self._asked, "session_hash": visit}
        self._get.post("/queue/join", json=question).raise_for_status()
        with self._get.stream("GET", "/queue/data", params={"session_hash": visit}) as stream:
            for line in stream.iter_lines():
                if "process_completed" in line:
                    answer = json.loads(line.removeprefix("data:"))
                    return answer["output"].get("data", [""])[0]


def face():
    file = io.BytesIO()
    Image.fromarray(small_data.faces()[0][0, :, :, 0]).save(file, "PNG")
    return file.getvalue()


def test_a_picture_that_was_sent_is_answered(visitor):
    assert visitor.ask(visitor.send(face())).startswith('<figure class="photograph"')


def test_another_file_of_the_machine_is_not_read(visitor, elsewhere, temporary):
    sent = visitor.send(face())
    for path in (elsewhere, f"{sent}/../../../../{elsewhere.name}", "/proc/self/environ"):
        assert visitor.ask(path) == ""
    assert not list(temporary.rglob("private.png"))  # nor copied to where it could be asked for


def test_another_file_is_not_read_as_a_stream(visitor, elsewhere):
    assert visitor.ask(elsewhere, is_stream=True) == ""


def test_nothing_is_fetched_from_another_server(visitor, temporary):
    visitor.send(face())
    before = set(temporary.rglob("*"))
    for address in ("http://127.0.0.1:9/face.png", "https://127.0.0.1:9/face.png"):
        assert visitor.ask(address) == ""
        assert "Only a photograph that was sent" in visitor.ask(address, is_stream=True)
        assert visitor.read(address) == (403, "")
    assert set(temporary.rglob("*")) == before  # a folder for what it fetches comes first
