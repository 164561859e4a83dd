"""Switches a running TensorFlow Serving server to another version, without a gap in its answers.

Three edits of models.config: serve the new version too; when the server says that it is AVAILABLE,
move the label; when the label answers with it, stop serving versions without a label. The server
reads the file again every minute (compose.yaml). If the new version does not become available, the
file is put back as it was.
"""

import pathlib
import time

import atomic_write
import command_line
from errors import UserError
from serving.connection import connect
from serving.model_config import ModelConfig
from serving.target import Target

PROGRAM = "python -m serving.switch"
EXAMPLES = """examples:
  python -m serving.switch 2
  python -m serving.switch 2 --keep          # go on serving version 1, by its number
  python -m serving.switch 1                 # back again
"""
CONFIG = pathlib.Path(__file__).with_name("models.config")
POLL_SECONDS = 1.0


def main(argv=None):
    arguments = parse_arguments(argv)
    before = read_config(arguments.config)
    if arguments.label not in before.labels():
        raise UserError(
            f"--label must be one in {arguments.config}: {', '.join(before.labels()) or 'none'}. "
            f"Received: {arguments.label!r}."
        )
    target = Target(arguments.url, arguments.model)
    labelled = Target(arguments.url, arguments.model, label=arguments.label)
    with connect(target) as model, connect(labelled) as label:
        status = model.status()  # a server that cannot be reached is told before anything is edited
        config = before.with_version(arguments.to)
        # The server tells why a version failed until it loads it again, even if it is not listed.
        stale = None if config is before else status.get(arguments.to)
        write(arguments, config, f"Serving version {arguments.to} too")
        try:
            wait_until_available(arguments, model, stale)
        except BaseException:
            write(arguments, before, "Put back")
            raise
        config = config.with_label(arguments.label, arguments.to)
        write(arguments, config, f"Label {arguments.label} moved to version {arguments.to}")
        wait_until_labelled(arguments, label)
        if not arguments.keep:
            config = config.without_unlabelled()
            served = ", ".join(map(str, config.versions()))
            write(arguments, config, f"Serving version {served} alone")


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__, epilog=EXAMPLES)
    version = command_line.at_least(1, command_line.MAX_VERSION)
    parser.add_argument("to", type=version, metavar="VERSION")
    parser.add_argument("--label", default="stable", help="(default: %(default)s)")
    parser.add_argument(
        "--config",
        type=command_line.path,
        default=CONFIG,
        metavar="FILE",
        help="the server's --model_config_file (default: serving/models.config)",
    )
    parser.add_argument(
        "--url", default="http://localhost:8501", help="REST (default: %(default)s)"
    )
    parser.add_argument("--model", default="facial_keypoints", help="(default: %(default)s)")
    parser.add_argument(
        "--wait",
        type=command_line.at_least(1),
        default=300,
        metavar="N",
        help="s for each step (default: 300)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="go on serving the versions without a label"
    )
    arguments = parser.parse_args(argv)
    if not arguments.url.startswith("http"):
        raise UserError(
            "--url must be http://HOST:8501, since only REST tells a version's state. Received: "
            f"{arguments.url!r}."
        )
    return arguments


def read_config(path):
    """Reads a models.config."""
    try:
        return ModelConfig(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"--config {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--config {path} must be UTF-8: {error}. Save it as such.") from error


def write(arguments, config, message):
    """Replaces the file at once: the server never reads half of it."""
    atomic_write.write_text(arguments.config, config.text)
    print(f"{message} ({arguments.config})", flush=True)


def wait_until_available(arguments, connection, stale=None):
    """Waits until the server says that the new version is available.

    Args:
        arguments: of the command line.
        connection: asks the server.
        stale: a state and its reason from before; while the server repeats it, it says nothing new.

    Raises:
        UserError: if it failed to load, or `--wait` is over.
    """
    for _ in times_to_ask(arguments):
        try:
            told = connection.status().get(arguments.to, ("not listed", ""))
            stale = stale if told == stale else None
            found, reason = told
        except UserError as error:  # a server that starts again
            found, reason = "unknown", str(error)
        if found == "AVAILABLE":
            return
        if found == "END" and reason and not stale:
            raise UserError(f"Version {arguments.to} cannot be served: {reason}")
    raise UserError(
        f"Version {arguments.to} must be AVAILABLE within {arguments.wait} s (--wait). It is "
        f"{found}{': ' * bool(reason)}{reason}. Does the server read {arguments.config}, and does "
        "the model's folder have that version?"
    )


def wait_until_labelled(arguments, connection):
    """Waits until requests with the label are answered by the new version.

    Args:
        arguments: of the command line.
        connection: asks the server under the label.

    Raises:
        UserError: if `--wait` is over.
    """
    for _ in times_to_ask(arguments):
        try:
            version = connection.version()
            told = f"It answers with version {version}"
        except UserError as error:  # a label that is not set yet, or a server that starts again
            version, told = None, str(error).rstrip(".")
        if version == arguments.to:
            return
    raise UserError(
        f"Label {arguments.label} must answer with version {arguments.to} within "
        f"{arguments.wait} s (--wait). {told}. Does the server read {arguments.config}?"
    )


def times_to_ask(arguments):
    """Yields now and again until `--wait` is over, at least once."""
    end = time.monotonic() + arguments.wait
    yield
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        yield


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
