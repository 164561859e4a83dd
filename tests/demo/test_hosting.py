"""Where the page can be had, and what it lets browsers ask for."""

import socket

import pytest

from errors import UserError


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
