"""What the scripts share: one clear line and exit status 2 for a person's mistake."""

import argparse
import os
import pathlib
import re
import sys

from errors import UserError, looking_at

MAX_VERSION = 2**63 - 1  # of a served model; TensorFlow Serving counts in int64
SYMMETRIC = "symmetric"  # a flip average for faces whose labels are mirror-symmetric


class Parser(argparse.ArgumentParser):
    """A parser without abbreviated options; reports a mistake on one line, without the usage.

    Its help keeps the lines of the description and of the examples.
    """

    def __init__(self, formatter_class=argparse.RawDescriptionHelpFormatter, **settings):
        super().__init__(allow_abbrev=False, formatter_class=formatter_class, **settings)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (--help shows the options)\n")


class Once(argparse.Action):
    """Stores an option that may not be repeated: the last one alone would count."""

    def __call__(self, parser, namespace, values, option_string=None):
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} is for one data set here; give it once.")
        setattr(namespace, self.dest, values)


def add_data_argument(parser, several=False):
    """Adds `--data`, the location of the faces; `several` makes it a list, for many of it."""
    parser.add_argument(
        "--data",
        action="append" if several else Once,
        default=[] if several else None,
        type=not_empty,
        help="folder with Kaggle's training.csv, .csv.gz or .zip, the competition's zip, or shards"
        + ";\nrepeat it to learn from several labellers" * several
        + "\n(default: the built-in drawn faces)",
    )


def add_labels_of_argument(parser):
    """Adds `--labels-of`, for nets that learned from several labellers."""
    parser.add_argument(
        "--labels-of",
        type=not_empty,
        metavar="NAME",
        help="for a net that learned from several labellers: answer as this one",
    )


def add_flip_average_arguments(parser):
    """Adds `--flip-average` and `--symmetric-flip-average`: `flip_average`, for `flip_averaged`."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--flip-average",
        action="store_true",
        help="average over each face and its mirror image; the answers stay where the training\n"
        "labels would be, even if these are not mirror-symmetric",
    )
    either.add_argument(
        "--symmetric-flip-average",
        dest="flip_average",
        action="store_const",
        const=SYMMETRIC,
        help="the same, but the answers are mirror-symmetric: for faces with other people's labels",
    )


def add_cluster_argument(parser, about):
    """Adds `--cluster`, the address of a Ray cluster; `about` is the help."""
    parser.add_argument("--cluster", type=not_empty, metavar="ADDRESS", help=about)


def at_least(least, most=None):
    """Returns an argparse `type` for whole numbers from `least` on, or up to `most`."""

    def read(text):
        number = int(text) if re.fullmatch(r"\d+", text) else least - 1
        if number < least or (most and number > most):
            limit = f" and at most {most}" if most else ""
            raise argparse.ArgumentTypeError(
                f"must be a whole number, at least {least}{limit}. Received: {text}"
            )
        return number

    return read


def not_empty(text):
    """Reads text, as an argparse `type`: an unset variable in a script is not a missing option."""
    if not text:
        remedy = "Set the variable behind it, or leave it out."
        raise argparse.ArgumentTypeError(f"must not be empty. {remedy}")
    return text


def is_utf_8(text):
    """Returns whether text is UTF-8: Python stands in for other bytes, which libraries refuse."""
    try:
        str(text).encode()
    except UnicodeEncodeError:
        return False
    return True


def writable(text):
    """Returns a text with escapes for what UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def path(text):
    """Reads a path, as an argparse `type`: a shell leaves the `~` of `--out=~/x` alone."""
    try:
        with looking_at(not_empty(text)):
            return pathlib.Path(text).expanduser()
    except UserError as error:  # argparse would say only that the value is invalid
        raise argparse.ArgumentTypeError(error) from error


def share(text):
    """Reads a number from 0 to 1, as an argparse `type`."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1. Received: {text}")
    return number


def run(main, program=None, argv=None):
    """Runs a script's `main(argv)` and exits with its status (None is 0).

    A `UserError` prints `<program>: error: <message>` on stderr and exits with its status, usually
    2; so does a full disk that stdout is written to. A second Ctrl-C, or one outside training,
    exits with 130. If the reader of a pipe goes away (`| head`), the script ends quietly.

    Args:
        main: takes a list of options, or None for those of the command line.
        program: prefix of messages; the script's file name by default.
        argv: passed to `main`.
    """
    if getattr(sys.stdout, "errors", None) == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be of any bytes
    try:
        status = main(argv)
        sys.stdout.flush()
    except (UserError, KeyboardInterrupt) as error:
        status = tell(error, program)
    except BrokenPipeError:
        _discard_stdout()
        status = 141
    except OSError as error:
        if not _stdout_refuses():
            raise
        _discard_stdout()
        refused = f"The standard output cannot be written: {error.strerror}."
        status = tell(UserError(refused), program)
    sys.exit(status)


def _stdout_refuses():
    """Whether not even an empty line can be written: an `OSError` without a name does not tell."""
    try:
        print(flush=True)
    except OSError:
        return True
    return False


def _discard_stdout():
    # Otherwise Python complains again when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(error, program=None):
    """Prints the one line of a `UserError` or of Ctrl-C on stderr; returns its exit status."""
    program = program or _script()
    if isinstance(error, KeyboardInterrupt):
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    print(f"{program}: error: {_one_line(error)}", file=sys.stderr)
    return error.status


def warn(message):
    """Prints a one-line note about something that is skipped; the script goes on."""
    print(f"{_script()}: {_one_line(message)}", file=sys.stderr)


def _one_line(message):
    """A file's name, and what a library says, may have several."""
    return " ".join(str(message).split())


def _script():
    return os.path.basename(sys.argv[0])


def counted(number, noun):
    """Formats a number with its noun: `1 face`, `1,234 faces`."""
    return f"{number:,} {noun}" + "s" * (number != 1)
