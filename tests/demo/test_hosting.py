"""Where the page can be had, and what it lets browsers ask for."""

import contextlib
import http.client
import os
import socket
import time
import urllib.parse

import pytest

from errors import UserError
from tests.demo import page_process


def test_a_port_that_is_taken_is_told():
    pytest.importorskip("gradio", reason="the extra demo is not installed")
    from demo.hosting import listen

    with listen("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(UserError, match=rf"port {port} of 127.0.0.1: Address already in use\."):
            listen("127.0.0.1", port)


def test_a_host_that_no_name_server_takes_is_told():
    pytest.importorskip("gradio", reason="the extra demo is not installed")
    from demo.hosting import listen

    with pytest.raises(UserError, match=r"port 7860 of a\.\.b: \w"):
        listen("a..b", 7860)


def test_an_unknown_host_is_told(monkeypatch):
    pytest.importorskip("gradio", reason="the extra demo is not installed")
    from demo.hosting import listen

    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UserError, match="of nowhere: Name or service not known"):
        listen("nowhere", 7860)


@contextlib.contextmanager
def upload_that_stalls(address, temporary):
    """Sends half of a picture; once the page has some of it, yields the file that it goes into."""
    host, port = urllib.parse.urlsplit(address).netloc.split(":")
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + bytes(
        4096
    )
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.putrequest("POST", "/gradio_api/upload")
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", "100000")
        connection.endheaders(part)
        end = time.monotonic() + 60
        while not (files := [each for each in temporary.rglob("tmp*") if each.is_file()]):
            assert time.monotonic() < end
            time.sleep(0.1)
        yield files[0]


def test_an_upload_that_stalls_does_not_keep_the_page_from_ending(tmp_path, capfd):
    pytest.importorskip("gradio", reason="the extra demo is not installed")
    with contextlib.ExitStack() as stack:
        with page_process.running(tmp_path) as address:  # ends it, within a minute
            stack.enter_context(upload_that_stalls(address, tmp_path))
        assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_an_upload_that_breaks_off_is_no_traceback_and_its_file_is_deleted_once_old(
    tmp_path, capfd
):
    pytest.importorskip("gradio", reason="the extra demo is not installed")
    from demo import expiry

    with page_process.running(tmp_path) as address:
        with upload_that_stalls(address, tmp_path) as file:
            pass
        (tmp_path / "new.png").touch()
        expiry.delete_old(tmp_path)
        assert file.exists()
        ago = time.time() - expiry.SECONDS - 1
        os.utime(file, (ago, ago))
        expiry.delete_old(tmp_path)
        assert not file.exists()
        assert (tmp_path / "new.png").exists()
        time.sleep(1)  # the page may take that to see that the visitor has gone
    assert capfd.readouterr().err == ""
