"""Serves the page on this machine; neither it nor its visitors' browsers ask any other."""

import contextlib
import logging
import pathlib
import socket

import fastapi
import gradio as gr
import uvicorn
from starlette.requests import ClientDisconnect

from demo.rules import MAX_BYTES
from errors import UserError

_STYLE = pathlib.Path(__file__).with_name("page.css")
_SCRIPT = _STYLE.with_suffix(".js")
# Gradio's page has inline scripts and styles, and compiles templates; all of it comes from here.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; form-action 'self'"
)


def listen(host: str, port: int) -> socket.socket:
    """Opens the page's address.

    Args:
        host: a name or number of this machine.
        port: 0 takes a free one.

    Raises:
        UserError: if it cannot be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except (OSError, UnicodeError) as error:  # the last: odd hosts
        reason = getattr(error, "strerror", None) or str(error)
        reason = reason.split(" (")[0]  # the rest repeats the address
        raise UserError(
            f"The page cannot have port {port} of {host}: {reason}. "
            "--port takes another one, --host another address."
        ) from error


def serve(page: gr.Blocks, listener: socket.socket) -> None:
    """Serves the page until the process is told to stop."""
    app = fastapi.FastAPI(openapi_url=None)

    @app.middleware("http")
    async def forbid_other_addresses(request, call_next):
        if "://" in request.scope["path"]:  # Gradio would fetch it: /gradio_api/file=https://…
            return fastapi.Response(status_code=403)
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    gr.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=MAX_BYTES,
        theme=gr.themes.Default(
            primary_hue="slate",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css_paths=_STYLE,
        head=f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script>",
    )
    # An open page keeps a request open, and an upload may stall: the process ends in spite of both.
    settings = {"log_level": "warning", "timeout_graceful_shutdown": 3}  # s
    _Server(uvicorn.Config(_quiet_if_broken_off(app), **settings)).run(sockets=[listener])


def _quiet_if_broken_off(app):
    """Answers as `app`, without a traceback for an upload whose visitor has gone."""

    async def answer(scope, receive, send):
        with contextlib.suppress(ClientDisconnect):
            await app(scope, receive, send)

    return answer


class _Server(uvicorn.Server):
    async def shutdown(self, sockets=None):
        # Whatever is cut off now is meant to be.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
