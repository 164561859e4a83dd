"""Shows a page on which to try the nets on photographs: dropped, pasted or from the webcam."""

import importlib.util
import os
import signal
import sys
import tempfile

import command_line
import tensorflow_start
from errors import UserError

PROGRAM = "python -m demo"
EXAMPLES = """examples:
  python -m demo                                     the presets, at http://127.0.0.1:7860
  python -m demo --run runs/net7 --run runs/heatmap_m
  python -m demo --server http://localhost:8501      a net that TensorFlow Serving holds

Nothing leaves this machine, except crops of faces for --server.
"""


def main(argv=None):
    arguments = parse_arguments(argv)
    for package in ("fastapi", "gradio", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise UserError("The page needs Gradio, an extra: pip install -e '.[demo]'")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the pictures are deleted
    tensorflow_start.start_quietly()
    with tempfile.TemporaryDirectory(prefix="facial_keypoints_") as uploads:
        show(arguments, uploads)


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__, epilog=EXAMPLES)
    add = parser.add_argument
    text = command_line.not_empty
    several = {"action": "append", "default": [], "type": text}
    add("--run", metavar="RUN", help="offer a run folder or a SavedModel; repeatable", **several)
    add("--server", metavar="URL", help="offer a served net, over REST or gRPC", **several)
    add("--model", default="facial_keypoints", help="its name there (default: %(default)s)")
    host_help = "0.0.0.0 shows it to others (default: %(default)s)"
    add("--host", type=text, default="127.0.0.1", help=host_help)  # an empty one would be 0.0.0.0
    add(
        "--port",
        type=command_line.at_least(0, 65535),
        default=7860,
        help="0 takes a free one (default: %(default)s)",
    )
    return parser.parse_args(argv)


def show(arguments, uploads):
    # Gradio reads these when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = uploads
    from demo import expiry, hosting
    from demo.nets import Nets
    from demo.page import build_page
    from serving import Target

    listener = hosting.listen(arguments.host, arguments.port)
    nets = Nets(arguments.run, [Target(url, arguments.model) for url in arguments.server])
    for name in arguments.run:
        nets.open(name)  # a mistake is said here rather than on the page
    host, port = listener.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    print(f"The page is at http://{host}:{port}. Ctrl-C ends it.", flush=True)
    expiry.expire(uploads)
    hosting.serve(build_page(nets, uploads), listener)


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
