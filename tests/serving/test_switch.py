"""`python -m serving.switch` against a server that follows models.config as the real one does."""

import contextlib
import http.server
import json
import re
import shutil
import threading
import time
import types

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from errors import UserError
from serving import switch
from serving.model_config import ModelConfig
from tests import ROOT
from tests.running import run_script

POLL_SECONDS, LOAD_SECONDS = 0.02, 0.1


class FollowingServer:
    """Reads a models.config again and again, and tells its versions' states over REST.

    As in TensorFlow Serving's GetModelStatusImpl, the states asked for under a label are those of
    all versions, whether the label exists or not. Only the metadata tell a label's version.

    A version takes a moment to load. Why one failed is told until it loads again, even if it is not
    listed any more. A label for one that is not available yet is refused: it stays where it was,
    with an error in the log.
    """

    def __init__(self, config, broken=(), poll_seconds=POLL_SECONDS):
        self._config, self._poll_seconds = config, poll_seconds
        self.broken = broken
        self.failed, self.loading_until = [], {}
        self.labels = {}
        self.log, self.seen = [], []

    def states(self):
        listed = {
            version: "LOADING" if time.monotonic() < ready
            else "END" if version in self.broken else "AVAILABLE"
            for version, ready in self.loading_until.items()
        }  # fmt: skip
        return dict.fromkeys(self.failed, "END") | listed

    def reload(self):
        text = self._config.read_text()
        config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
        (model,) = config.model_config_list.config
        versions = list(model.model_version_policy.specific.versions)
        state = (versions, dict(model.version_labels))
        if state not in self.seen[-1:]:
            self.seen.append(state)
        # Labels are set before new versions begin to load.
        available = [version for version, state in self.states().items() if state == "AVAILABLE"]
        for label, version in model.version_labels.items():
            if version in available or label not in self.labels:  # any version, at the start
                self.labels[label] = version
            elif version != self.labels[label]:
                self.log.append(f"Request to assign label to version {version} not available")
        self.failed = [version for version, state in self.states().items() if state == "END"]
        now = time.monotonic()
        ready = dict.fromkeys(versions, now + LOAD_SECONDS)
        self.loading_until = {each: self.loading_until.get(each, ready[each]) for each in versions}

    def answer(self, path):
        found = re.fullmatch(r"/v1/models/facial_keypoints(/labels/(\w+)(/metadata)?)?", path)
        if not found:
            return 404, {"error": "Servable not found"}
        if found[3]:
            if found[2] not in self.labels:
                return 400, {"error": f"Unrecognized servable version label: {found[2]}"}
            return 200, {"model_spec": {"version": str(self.labels[found[2]])}}
        return 200, {
            "model_version_status": [
                {
                    "version": str(version),
                    "state": state,
                    "status": {
                        "error_code": "UNKNOWN" if state == "END" else "OK",
                        "error_message": "Op type not registered" if state == "END" else "",
                    },
                }
                for version, state in self.states().items()
            ]
        }

    @contextlib.contextmanager
    def running(self):
        """Yields the URL."""
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, answer = server.answer(self.path)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        stop = threading.Event()

        def follow():
            while not stop.wait(self._poll_seconds):
                server.reload()

        self.reload()
        listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threads = [threading.Thread(target=each) for each in (listener.serve_forever, follow)]
        for thread in threads:
            thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}"
        finally:
            stop.set()
            listener.shutdown()
            listener.server_close()
            for thread in threads:
                thread.join()


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(switch, "POLL_SECONDS", 0.02)
    return shutil.copy(ROOT / "serving" / "models.config", tmp_path / "models.config")


def run(url, config, *options):
    return run_script(switch, *options, "--url", url, "--config", config)


def eventually(holds):
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(POLL_SECONDS)


def test_a_switch_goes_in_three_steps_and_no_label_is_refused(config):
    server = FollowingServer(config)
    with server.running() as url:
        assert run(url, config, 2) == 0
        eventually(lambda: list(server.states()) == [2])
    assert server.seen == [
        ([1], {"stable": 1}),
        ([1, 2], {"stable": 1}),
        ([1, 2], {"stable": 2}),
        ([2], {"stable": 2}),
    ]
    assert server.labels == {"stable": 2}
    assert not server.log


def test_both_edits_at_once_leave_the_label_as_the_docs_say(config):
    """So the stand-in refuses what the server refuses."""
    server = FollowingServer(config)
    with server.running() as url:
        eventually(lambda: server.states() == {1: "AVAILABLE"})
        at_once = ModelConfig(config.read_text()).with_version(2).with_label("stable", 2)
        config.write_text(at_once.text)
        eventually(lambda: server.log)
        assert server.labels == {"stable": 1}
        assert url


def test_a_label_is_moved_alone():
    labels = "".join(
        f'version_labels {{ key: "{label}" value: 1 }}\n' for label in ("stable", "canary")
    )
    text = f"model_config_list {{\nconfig {{\nversions: 1\nversions: 2\n{labels}}} }}\n"
    moved = ModelConfig(text).with_label("canary", 2)
    assert moved.labels() == {"stable": 1, "canary": 2}
    assert moved.without_unlabelled().versions() == [1, 2]


def test_comments_stay_and_the_way_back_restores_the_file(config):
    text = config.read_text()
    with FollowingServer(config).running() as url:
        assert run(url, config, 2) == 0
        switched = text.replace("versions: 1\n", "versions: 2\n").replace("value: 1", "value: 2")
        assert config.read_text() == switched
        assert run(url, config, 1) == 0
    assert config.read_text() == text


def test_the_old_version_can_be_kept(config):
    server = FollowingServer(config)
    with server.running() as url:
        assert run(url, config, 2, "--keep") == 0
        assert server.seen[-1] == ([1, 2], {"stable": 2})


@pytest.mark.parametrize("options", [[], ["--keep"]])
def test_the_way_back_ends_only_when_the_label_answers_with_the_old_version(options, config):
    """Both versions are AVAILABLE from the start, so the label is all there is to wait for."""
    both = ModelConfig(config.read_text()).with_version(2).with_label("stable", 2)
    config.write_text(both.text)
    server = FollowingServer(config, poll_seconds=0.2)
    with server.running() as url:
        eventually(lambda: set(server.states().values()) == {"AVAILABLE"})
        assert run(url, config, 1, *options) == 0
        assert server.labels == {"stable": 1}
        assert ([1, 2], {"stable": 1}) in server.seen


def test_a_label_that_stays_where_it_was_is_told(config, tmp_path, capsys):
    both = ModelConfig(config.read_text()).with_version(2)
    config.write_text(both.text)
    other = shutil.copy(config, tmp_path / "other.config")  # which nobody edits
    server = FollowingServer(other)
    with server.running() as url:
        eventually(lambda: set(server.states().values()) == {"AVAILABLE"})
        assert run(url, config, 2, "--wait", 1) == 2
    assert config.read_text() == both.with_label("stable", 2).text
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Label stable must answer with version 2 within 1 s (--wait). It answers with" in error


def test_a_label_that_the_server_does_not_know_is_told(config, capsys):
    text = config.read_text()
    named = re.sub(r"( *)version_labels", r'\1version_labels { key: "beta" value: 1 }\n\g<0>', text)
    server = FollowingServer(config, poll_seconds=60)
    with server.running() as url:
        eventually(lambda: server.states() == {1: "AVAILABLE"})
        config.write_text(named)
        assert run(url, config, 1, "--label", "beta", "--wait", 1) == 2
    assert "Unrecognized servable version label: beta" in capsys.readouterr().err


def test_a_version_that_does_not_load_is_told_and_the_file_put_back(config, capsys):
    text = config.read_text()
    server = FollowingServer(config, broken=[2])
    with server.running() as url:
        assert run(url, config, 2) == 2
    assert config.read_text() == text
    assert "Version 2 cannot be served: Op type not registered" in capsys.readouterr().err
    assert server.labels == {"stable": 1}


def test_a_version_that_failed_is_tried_anew_though_the_server_still_tells_why(config):
    server = FollowingServer(config, broken=[2], poll_seconds=0.2)
    with server.running() as url:
        assert run(url, config, 2) == 2
        eventually(lambda: server.seen[-1] == ([1], {"stable": 1}))
        assert server.states() == {1: "AVAILABLE", 2: "END"}
        server.broken = []
        assert run(url, config, 2) == 0
    assert server.labels == {"stable": 2}


@pytest.mark.parametrize("between", [("LOADING", ""), ("END", "No such file")])
def test_a_version_that_fails_again_is_told_once_it_is_news(between, config):
    stale = ("END", "Op type not registered")
    told = [stale, UserError("No answer"), stale, between, stale]

    def status():
        if isinstance(told[0], UserError):
            raise told.pop(0)
        return {2: told.pop(0)}

    arguments = types.SimpleNamespace(to=2, wait=60, config=config)
    with pytest.raises(UserError, match=f"Version 2 cannot be served: {between[1] or stale[1]}"):
        switch.wait_until_available(arguments, types.SimpleNamespace(status=status), stale)


def test_a_listed_version_that_failed_is_told_at_once(config, capsys):
    config.write_text(ModelConfig(config.read_text()).with_version(2).text)
    server = FollowingServer(config, broken=[2])
    with server.running() as url:
        eventually(lambda: server.states()[2] == "END")
        assert run(url, config, 2) == 2
    assert "Version 2 cannot be served: Op type not registered" in capsys.readouterr().err


def test_a_server_that_reads_another_file_is_told_and_the_file_put_back(config, tmp_path, capsys):
    other = shutil.copy(config, tmp_path / "other.config")
    text = config.read_text()
    with FollowingServer(other).running() as url:
        assert run(url, config, 2, "--wait", 1) == 2
    assert config.read_text() == text
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Version 2 must be AVAILABLE within 1 s (--wait). It is not listed." in error


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["2", "--label", "beta"], "--label must be one in .*: stable. Received: 'beta'"),
        (["0"], "must be a whole number, at least 1"),
        ([str(2**63)], "at least 1 and at most 9223372036854775807"),
        (["2", "--config", "/nowhere/models.config"], "cannot be read: No such file"),
        (["2", "--url", "grpc://localhost:8500"], "--url must be http://HOST:8501"),
        (["2", "--url", "http://127.0.0.1:9"], "No TensorFlow Serving answers"),
    ],
)
def test_mistakes_are_one_line_and_edit_nothing(options, told, config, capsys):
    text = config.read_text()
    assert run_script(switch, "--config", config, "--url", "http://127.0.0.1:9", *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(told, error)
    assert config.read_text() == text


def test_a_configuration_in_another_encoding_is_one_line(config, capsys):
    content = config.read_bytes() + "# für später\n".encode("latin-1")
    config.write_bytes(content)
    assert run("http://127.0.0.1:9", config, 2) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"--config {config} must be UTF-8: " in error
    assert config.read_bytes() == content


@pytest.mark.parametrize("text", ["", "model_config_list { config { name: 'a' } }"])
def test_other_forms_of_configuration_are_left_to_the_person(text):
    with pytest.raises(UserError, match="edit it by hand"):
        ModelConfig(text)


def test_two_models_are_left_to_the_person():
    text = (ROOT / "serving" / "models.config").read_text()
    with pytest.raises(UserError, match="must hold one model"):
        ModelConfig(text + text)
