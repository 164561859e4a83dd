"""Reaches a served model over REST or gRPC, as its URL says."""

import re
import urllib.parse

import command_line
from errors import UserError
from serving.grpc_connection import GrpcConnection
from serving.rest_connection import RestConnection
from serving.target import Target

_CONNECTIONS = {
    "http": RestConnection,
    "https": RestConnection,
    "grpc": GrpcConnection,
    "grpcs": GrpcConnection,
}


def connect(target: Target) -> RestConnection | GrpcConnection:
    """Opens a connection: a context manager with `predict(signature, **inputs)` and `names()`.

    `predict` takes NumPy arrays and returns them by output name: float32, or strings as `bytes`
    objects. `names` returns the served keypoints in the schema's order.

    Raises:
        UserError: if the URL cannot be read, its scheme is unknown, or it or a name is not UTF-8;
            later, if the server cannot be reached, takes longer than the time-out, or refuses a
            request.
    """
    for option in ("url", "model", "label"):
        if not command_line.is_utf_8(text := getattr(target, option) or ""):
            raise UserError(f"--{option} must be UTF-8. Received: {text!r}.")
    scheme = _scheme(target.url)
    if scheme not in _CONNECTIONS:
        raise UserError(
            "--url must be http://HOST:8501 for REST or grpc://HOST:8500 for gRPC (https and grpcs "
            f"for TLS). Received: {target.url!r}."
        )
    return _CONNECTIONS[scheme](target)


def _scheme(url):
    """The URL's scheme; None if its host or port cannot be read."""
    try:
        parts = urllib.parse.urlsplit(url)
        readable = parts.port != 0 and re.fullmatch(r"[^\s\x00-\x1f\x7f]+", parts.hostname or "")
    except ValueError:  # a port that is no number or too large, a bracket that is not closed
        return None
    return parts.scheme if readable else None
