"""Where a model is served, and how to reach it: REST or gRPC, chosen by the URL."""

import dataclasses
import re
import urllib.parse

from errors import UserError

# A request of more faces than `max_batch_size` in batching_parameters.txt is refused whole.
MAX_BATCH = 32


@dataclasses.dataclass(frozen=True)
class Target:
    """A served model.

    Attributes:
        url: `http[s]://host[:8501]` for REST, `grpc[s]://host[:8500]` for gRPC; s means TLS.
        model: its name in `models.config`.
        version: a version number, or None.
        label: a version label such as `stable`, or None; not both. Neither means the newest.
        timeout: s, for each request.
    """

    url: str
    model: str = "facial_keypoints"
    version: int | None = None
    label: str | None = None
    timeout: float = 10.0


def connect(target):
    """Opens a connection: a context manager with `predict(signature, **inputs)` and `names()`.

    `predict` takes NumPy arrays, strings as arrays of `bytes` objects, and gives a dict of float32
    arrays by output name. `names` gives the served keypoints in the schema's order.

    Raises:
        UserError: if the URL is of no known kind; later, if the server cannot be reached, takes
            longer than the time-out, or refuses a request.
    """
    scheme = _scheme(target.url)
    if scheme in ("http", "https"):
        from serving.rest_connection import RestConnection

        return RestConnection(target)
    if scheme in ("grpc", "grpcs"):
        from serving.grpc_connection import GrpcConnection

        return GrpcConnection(target)
    raise UserError(
        "--url must be http://HOST:8501 for REST or grpc://HOST:8500 for gRPC (https and grpcs for "
        f"TLS). Received: {target.url!r}."
    )


def require_serve_named(signatures, target):
    """Refuses a model of other origin: the outputs of `serve_named` tell the keypoints' names.

    Args:
        signatures: the served model's, by name.
        target: the `Target`.
    """
    if "serve_named" not in signatures:
        raise UserError(
            "The served model must be one that export.py wrote, with the signature serve_named. "
            f"Received from {target.url}, of model {target.model!r}: "
            f"{', '.join(sorted(signatures)) or 'no signature'}. --model names another one."
        )


def _scheme(url):
    """The URL's scheme; None if its host or port cannot be read."""
    try:
        parts = urllib.parse.urlsplit(url)
        readable = parts.port != 0 and re.fullmatch(r"[^\s\x00-\x1f\x7f]+", parts.hostname or "")
    except ValueError:  # a port that is no number or too large, a bracket that is not closed
        return None
    return parts.scheme if readable else None
