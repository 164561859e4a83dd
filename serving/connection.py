"""Where a model is served, and how to reach it: REST or gRPC, chosen by the URL."""

import dataclasses
import urllib.parse

from errors import UserError


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
    parts = urllib.parse.urlsplit(target.url)
    if parts.scheme in ("http", "https") and parts.hostname:
        from serving.rest_connection import RestConnection

        return RestConnection(target)
    if parts.scheme in ("grpc", "grpcs") and parts.hostname:
        from serving.grpc_connection import GrpcConnection

        return GrpcConnection(target)
    raise UserError(
        "--url must be http://HOST:8501 for REST or grpc://HOST:8500 for gRPC (https and grpcs for "
        f"TLS). Received: {target.url!r}."
    )
