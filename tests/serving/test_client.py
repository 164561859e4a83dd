"""`python -m serving.client` and the load script, over REST and gRPC, against a stand-in server."""

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types

import grpc
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keypoint_schema
from errors import UserError
from exporting import open_saved_model
from serving import Target, asking, client, connect, load
from serving.target import MAX_BATCH
from tests import ROOT, serving_stand_in
from tests.export_stand_in import (
    colour_picture,
    encode,
    faces,
    pillow_keypoints,
    published,
    stand_in_model,
)
from tests.running import heed_ctrl_c, run_script

SERVERS = {"REST": serving_stand_in.rest_server, "gRPC": serving_stand_in.grpc_server}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    with open_saved_model(published(tmp_path_factory)) as saved:
        yield saved


@pytest.fixture(params=SERVERS)
def server(request):
    return SERVERS[request.param]


@pytest.fixture
def url(server, saved):
    with server(saved) as (url, _):
        yield url


@pytest.fixture
def pictures(tmp_path):
    small, large = tmp_path / "small.png", tmp_path / "large.jpg"
    small.write_bytes(encode(colour_picture(60, 70), "PNG"))
    large.write_bytes(encode(colour_picture(300, 250), "JPEG"))
    return small, large


def expected(path):
    return pillow_keypoints(stand_in_model(), Image.open(path))


def test_client_prints_each_keypoint_by_name(url, pictures, capsys):
    assert run_script(client, *pictures, "--url", url, "--label", "stable") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 16
    assert lines[16].startswith(str(pictures[1]))
    for line, name, point in zip(
        lines[17:], keypoint_schema.NAMES, expected(pictures[1]), strict=True
    ):
        printed, x, y = line.split()
        assert printed == name
        assert [float(x), float(y)] == pytest.approx(point, abs=0.016)


def test_client_prints_json(url, pictures, capsys):
    assert run_script(client, pictures[0], "--url", url, "--version", 1, "--json") == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["picture"] == str(pictures[0])
    points = np.array([answer["keypoints"][name] for name in keypoint_schema.NAMES])
    np.testing.assert_allclose(points, expected(pictures[0]), atol=0.01)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_name_that_is_not_utf_8_is_printed_as_predict_does(options, url, pictures, capsys):
    odd = pictures[0].rename(pictures[0].with_name("caf\udce9.png"))
    assert run_script(client, odd, "--url", url, *options) == 0
    printed = capsys.readouterr().out
    name = json.loads(printed)[0]["picture"] if options else printed.split("  ")[0]
    assert name == str(odd.with_name("caf\\udce9.png"))


def test_client_annotates_copies_as_predict_does_and_says_so_beside_its_answer(
    url, pictures, tmp_path, capsys
):
    folder = tmp_path / "annotated"
    assert run_script(client, *pictures, "--url", url, "--draw", folder, "--json") == 0
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["large_keypoints.jpg", "small_keypoints.png"]
    printed = capsys.readouterr()
    answers = json.loads(printed.out)
    assert f"Drew {folder / 'large_keypoints.jpg'}" in printed.err
    annotated = Image.open(folder / "large_keypoints.jpg")
    scale = annotated.width // Image.open(pictures[1]).width
    for name, color in (("left_eye_center", (230, 159, 0)), ("right_eye_center", (86, 180, 233))):
        point = np.array(answers[1]["keypoints"][name])
        drawn = annotated.getpixel(tuple(np.round((point + 0.5) * scale - 0.5)))
        assert drawn == pytest.approx(color, abs=60)  # JPEG blurs colours


def test_pictures_of_the_same_name_are_all_annotated(url, pictures, tmp_path):
    (tmp_path / "other").mkdir()
    namesake = tmp_path / "other" / "small.gif"
    namesake.write_bytes(encode(colour_picture(40, 40), "GIF"))
    folder = tmp_path / "annotated"
    assert run_script(client, pictures[0], namesake, "--url", url, "--draw", folder) == 0
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["small-2_keypoints.png", "small_keypoints.png"]


@pytest.mark.parametrize("place", ["file", "/proc"])
def test_place_that_takes_no_pictures_is_refused_before_asking(
    server, saved, pictures, tmp_path, place, capsys
):
    (tmp_path / "file").write_text("")
    if place == "/proc" and not os.path.exists("/proc/self"):
        pytest.skip("no /proc, where nobody may create files")
    with server(saved) as (url, requests):
        assert run_script(client, pictures[0], "--url", url, "--draw", tmp_path / place) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert not requests
    assert printed.err.count("\n") == 1
    assert f"{tmp_path / place}" in printed.err
    assert "cannot be written" in printed.err


def test_many_pictures_go_in_requests_that_the_server_takes(server, saved, pictures, capsys):
    many = [*pictures, *[pictures[0]] * 39]
    with server(saved) as (url, requests):
        assert run_script(client, *many, "--url", url, "--json") == 0
    assert len(requests) == 2
    answers = json.loads(capsys.readouterr().out)
    assert [answer["picture"] for answer in answers] == [str(path) for path in many]
    for answer, path in ((answers[1], pictures[1]), (answers[40], pictures[0])):
        points = list(answer["keypoints"].values())
        np.testing.assert_allclose(points, expected(path), atol=0.02)


def test_refused_picture_is_told_and_the_others_are_answered(url, pictures, tmp_path, capsys):
    refused = tmp_path / "text.png"
    refused.write_text("no picture")
    many = [*[pictures[0]] * 33, refused, pictures[1]]
    drawn = tmp_path / "drawn"
    assert run_script(client, *many, "--url", url, "--json", "--draw", drawn) == 2
    printed = capsys.readouterr()
    answers = json.loads(printed.out, parse_constant=pytest.fail)  # JSON knows no NaN
    assert [answer["picture"] for answer in answers] == [str(path) for path in many]
    assert answers[33]["keypoints"] is None
    assert answers[33]["error"].startswith("The picture must be a PNG, JPEG, BMP or GIF")
    assert {answer["error"] for answer in answers[:33] + answers[34:]} == {None}
    points = list(answers[34]["keypoints"].values())
    np.testing.assert_allclose(points, expected(pictures[1]), atol=0.02)
    *drew, error, _ = printed.err.splitlines()
    assert len(drew) + 1 == len(list(drawn.iterdir())) == 34
    assert error.startswith(f"{client.PROGRAM}: error: {refused} was refused: The picture must be")


def failing(saved, error, after):
    """A net that raises `error` once it has answered `after` requests."""
    answers = iter([saved.run] * after)

    def run(signature, **inputs):
        answer = next(answers, None)
        if answer is None:
            raise error
        return answer(signature, **inputs)

    return types.SimpleNamespace(signatures=saved.signatures, run=run)


@pytest.mark.parametrize("as_json", [True, False])
def test_what_came_before_a_request_failed_is_kept(
    as_json, server, saved, pictures, tmp_path, capsys
):
    many = [*[pictures[0]] * 32, *[pictures[1]] * 3]
    drawn = tmp_path / "drawn"
    with server(failing(saved, ValueError("The net broke"), after=1)) as (url, _):
        options = ("--json",) * as_json
        assert run_script(client, *many, "--url", url, "--draw", drawn, *options) == 2
    printed = capsys.readouterr()
    if as_json:
        answers = json.loads(printed.out)
        assert [answer["picture"] for answer in answers] == [str(pictures[0])] * 32
    else:
        assert printed.out.count(f"{pictures[0]}  (x, y in px") == 32
    *drew, error = printed.err.splitlines()
    assert len(drew) == len(list(drawn.iterdir())) == 32
    assert "The net broke" in error
    assert error.endswith(" Not answered: 3 of 35 pictures.")


def test_a_request_that_the_server_ends_itself_is_told(saved, pictures, capsys):
    late = tf.errors.DeadlineExceededError(None, None, "Run timed out")
    with serving_stand_in.rest_server(failing(saved, late, after=0)) as (url, _):
        assert run_script(client, *pictures, "--url", url, "--json") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "its own limit for a request: Run timed out. Raise it (--rest_api_time" in printed.err


def test_photographs_go_in_requests_of_four():
    sizes = []

    def predict(signature, image_bytes):
        assert signature == "serve_photo"
        sizes.append(number := len(image_bytes))
        outputs = {"boxes": (1, 4), "keypoints": (1, 15, 2), "scores": (1,), "faces": ()}
        zeros = {name: np.zeros((number, *shape)) for name, shape in outputs.items()}
        return zeros | {"error": np.full(number, b"", object)}

    connection = types.SimpleNamespace(predict=predict)
    files = np.full(9, b"", object)
    assert list(asking.ask_photos(connection, files, keypoint_schema.NAMES)) == [([], "")] * 9
    assert sizes == [4, 4, 1]


@pytest.mark.parametrize("signature", ["serving_default", "serve_uint8", "serve_named"])
def test_every_signature_can_be_asked(signature, url):
    images = faces(2)
    wanted = np.asarray(stand_in_model()(images.astype(np.float32))) * 48 + 47.5
    sent = images if signature == "serve_uint8" else images.astype(np.float32)
    with connect(Target(url)) as connection:
        answer = connection.predict(signature, images=sent)
        assert connection.names() == list(keypoint_schema.NAMES)
    if signature == "serve_named":
        answer = {"keypoints": np.stack([answer[n] for n in keypoint_schema.NAMES], axis=1)}
    np.testing.assert_allclose(answer["keypoints"], wanted, atol=1e-3)


def test_refused_picture_is_one_line_with_the_servers_rule(url, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    assert run_script(client, tmp_path / "text.png", "--url", url) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "must be a PNG, JPEG, BMP or GIF" in printed.err


def test_refused_picture_has_nan_and_its_message_over_rest_and_grpc_alike(url, pictures):
    files = np.array([b"no picture", pictures[0].read_bytes()], object)
    with connect(Target(url)) as connection:
        answer = connection.predict("serve_bytes", image_bytes=files)
    assert answer["keypoints"].dtype == np.float32
    assert np.isnan(answer["keypoints"][0]).all()
    np.testing.assert_allclose(answer["keypoints"][1], expected(pictures[0]), atol=0.01)
    refused, sound = answer["error"]
    assert refused.startswith(b"The picture must be a PNG, JPEG, BMP or GIF")
    assert sound == b""


@pytest.mark.parametrize(
    "wrong",
    [
        ["--time", "3"],
        ["--timeout", "soon"],
        ["--timeout", "-1"],
        ["--timeout", "inf"],
        ["--timeout", "1e12"],
        ["--version", "two"],
        ["--version", str(2**63)],
    ],
)
def test_mistakes_on_the_command_line_are_told(wrong, capsys):
    assert run_script(client, "face.png", *wrong) == 2
    error = capsys.readouterr().err
    assert "python -m serving.client: error: " in error
    assert "_seconds" not in error


def test_grpc_starts_quietly_and_rest_without_tensorflow():
    script = (
        "import sys\nfrom serving import client\n"
        "arguments = client.parse_arguments(sys.argv[1:])\nclient.prepare(arguments)\n"
        "print('tensorflow' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    for scheme, loaded in (("http", "False"), ("grpc", "True")):
        done = subprocess.run(
            [sys.executable, "-c", script, "face.png", "--url", f"{scheme}://localhost:1"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr) == (f"{loaded}\n", "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--model", "other"], "Servable not found"),
        (["--version", "7"], "Servable not found"),
        (["--label", "beta"], "Unrecognized servable version label: beta"),
    ],
)
def test_unknown_model_version_or_label_is_one_line(url, pictures, wrong, told, capsys):
    assert run_script(client, pictures[0], "--url", url, *wrong) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error


def test_a_full_queue_is_no_missing_server(server, saved, pictures, capsys):
    with server(saved, full=True) as (url, _):
        assert run_script(client, pictures[0], "--url", url) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is overloaded: The batch scheduling queue" in error


def test_slow_server_is_one_line(server, saved, pictures, capsys):
    with server(saved, delay=1.0) as (url, _):
        assert run_script(client, pictures[0], "--url", url, "--timeout", "0.2") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "must answer within 0.2 s" in error


DRIP_SECONDS = 0.1


@contextlib.contextmanager
def dripping_server(answer):
    """Sends `answer` to each request byte by byte, and never ends; yields its URL."""
    stop = threading.Event()

    def drip(connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(answer)
            while not stop.wait(DRIP_SECONDS):
                connection.sendall(b" ")

    def accept():
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                drip(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DRIP_SECONDS)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", b"HTTP/1.1 200 O", b""]
)
def test_server_that_drips_its_answer_does_not_hold_the_client(answer, pictures, capsys):
    with dripping_server(answer) as url:
        start = time.monotonic()
        assert run_script(client, pictures[0], "--url", url, "--timeout", 5 * DRIP_SECONDS) == 2
        assert 4 * DRIP_SECONDS < time.monotonic() - start < 60 * DRIP_SECONDS
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "must answer within 0.5 s" in error


def test_a_request_has_its_whole_time_though_others_went_before(saved):
    """On one connection, the clock of each request starts anew."""
    inputs = load.make_inputs("serve_bytes", 1)
    with (
        serving_stand_in.rest_server(saved, delay=0.3) as (url, _),
        connect(Target(url, timeout=5.0)) as connection,
    ):
        start = time.monotonic()
        for _ in range(3):
            connection.predict("serve_bytes", **inputs)
        last = 5.0 - connection._http.seconds_left()
        assert 0.3 <= last <= time.monotonic() - start - 0.6


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_no_server_is_one_line(scheme, pictures, capsys):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        url = f"{scheme}://127.0.0.1:{unused.getsockname()[1]}"
        assert run_script(client, pictures[0], "--url", url) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"No TensorFlow Serving answers at {url}" in error


UNREADABLE = ["http://localhost:abc", "grpc://localhost:99999", "http://[::1", "http://a b:8501"]


@pytest.mark.parametrize("url", ["localhost:8501", "ftp://host", "http://", "", *UNREADABLE])
def test_url_of_no_known_kind_is_one_line(url, pictures, capsys):
    assert run_script(client, pictures[0], f"--url={url}") == 2
    assert "--url must be http://HOST:8501" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--model", "--label", "--url"])
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_what_is_not_utf_8_is_one_line(scheme, option, pictures, capsys):
    url = f"{scheme}://127.0.0.1:9"
    odd = f"{url}/caf\udce9" if option == "--url" else "caf\udce9"
    assert run_script(client, pictures[0], "--url", url, option, odd) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{option} must be UTF-8. Received: {odd!r}." in error


def test_host_that_no_name_server_takes_is_one_line(pictures, capsys):
    assert run_script(client, pictures[0], "--url", f"http://{'a' * 70}.example:8501") == 2
    assert "No TensorFlow Serving answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://host", 8501), ("http://host:80", 80), ("https://host", 443), ("https://host:9", 9)],
)
def test_rest_has_the_servers_port_unless_another_is_named(url, port):
    with connect(Target(url)) as connection:
        assert connection._http.port == port


def test_grpc_takes_ipv6_addresses(monkeypatch):
    dialled = []
    insecure_channel = grpc.insecure_channel
    monkeypatch.setattr(
        grpc, "insecure_channel", lambda name: dialled.append(name) or insecure_channel(name)
    )
    for url in ("grpc://[::1]", "grpc://[::1]:85", "grpc://host"):
        connect(Target(url)).__exit__()
    assert dialled == ["[::1]:8500", "[::1]:85", "host:8500"]


def test_model_of_other_origin_is_one_line(server, saved, pictures, capsys):
    foreign = types.SimpleNamespace(
        signatures={"serving_default": saved.signatures["serving_default"]}
    )
    with server(foreign) as (url, _):
        assert run_script(client, pictures[0], "--url", url) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "with the signature serve_named" in error
    assert "'facial_keypoints': serving_default." in error


@pytest.mark.parametrize(
    "content",
    [
        b'{"ok": true}',
        b'{"metadata": [], "model_version_status": 1, "predictions": [{"a": 1}, {}]}',
    ],
)
def test_other_json_than_tensorflow_servings_is_refused(content):
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        inputs = load.make_inputs("serve_bytes", 1)
        try:
            with connect(Target(f"http://127.0.0.1:{server.server_port}")) as connection:
                asked = connection.names, connection.status, connection.version
                for ask in (*asked, lambda: connection.predict("serve_bytes", **inputs)):
                    with pytest.raises(UserError, match="Is it TensorFlow Serving's REST port?"):
                        ask()
        finally:
            server.shutdown()
            thread.join()


def test_other_server_than_tensorflow_serving_is_one_line(pictures, capsys):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<html>")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert run_script(client, pictures[0], "--url", url) == 2
        thread.join()
    assert "Is it TensorFlow Serving's REST port?" in capsys.readouterr().err


def test_missing_picture_is_one_line(tmp_path, capsys):
    assert run_script(client, tmp_path / "nothing.jpg") == 2
    assert "nothing.jpg cannot be read: No such file" in capsys.readouterr().err


def test_load_script_reports_throughput_and_percentiles(url, capsys):
    arguments = ("--url", url, "--batch", 2, "--clients", 3, "--requests", 10)
    assert run_script(load, *arguments, "--signature", "serve_uint8") == 0
    printed = capsys.readouterr().out
    assert "10 requests of 2 from 3 clients" in printed
    for line in ("throughput", "latency p50", "latency p90", "latency p99"):
        assert line in printed


def test_load_refuses_batches_that_the_server_does(capsys):
    assert run_script(load, "--batch", 33) == 2
    assert "at least 1 and at most 32" in capsys.readouterr().err


@pytest.mark.parametrize("number", [MAX_BATCH, MAX_BATCH + 1])
def test_largest_batch_is_the_servers(url, number):
    with connect(Target(url)) as connection:
        inputs = load.make_inputs("serve_bytes", number)
        if number == MAX_BATCH:
            assert len(connection.predict("serve_bytes", **inputs)["keypoints"]) == number
        else:
            with pytest.raises(UserError, match="larger than maximum"):
                connection.predict("serve_bytes", **inputs)


def test_load_counts_every_request_once(server, saved):
    with server(saved) as (url, requests):
        inputs = load.make_inputs("serve_bytes", 3)
        result = load.run_load(Target(url), load.Traffic("serve_bytes", inputs, 4, requests=9))
    assert len(result.latencies) == 9
    assert result.faces == 27
    assert not result.errors
    assert len(requests) == 10  # the first one is not timed
    assert 0 < max(result.latencies) <= result.seconds


def test_ctrl_c_ends_load_at_once(saved):
    options = ("--timeout", "60", "--requests", "1000000")
    with serving_stand_in.rest_server(saved, delay=0.05) as (url, requests):
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.load", "--url", url, *options],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_ctrl_c,
        )
        try:
            while len(requests) < 3:
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 130
    assert error == "python -m serving.load: interrupted\n"


def test_load_on_no_server_is_an_error():
    traffic = load.Traffic("serve_bytes", load.make_inputs("serve_bytes", 1), 1, requests=1)
    with pytest.raises(UserError, match="No TensorFlow Serving answers"):
        load.run_load(Target("http://127.0.0.1:9"), traffic)
