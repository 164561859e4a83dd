"""What the scripts share: one clear line and exit status 2 for a person's mistake."""

import os
import re
import sys
import tempfile

from errors import UserError


def run(main):
    """Runs a script's `main()` and exits with its status (None is 0).

    A `UserError` becomes `<script>: error: <message>` on stderr and status 2. A second Ctrl-C, or
    one outside training, gives status 130, and a reader that went away (`| head`) ends quietly.
    """
    script = os.path.basename(sys.argv[0])
    try:
        status = main()
        sys.stdout.flush()
    except UserError as error:
        message = " ".join(str(error).split())
        print(f"{script}: error: {message}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print(f"{script}: interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # Python would complain once more while it flushes the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    sys.exit(status)


# What TensorFlow's libraries say at start about CPU features and absent GPUs, whatever their log
# level is set to: glog lines, and absl's warning that it was not initialized for them.
_START_UP_NOISE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:[\d.]+ .*|WARNING: All log messages before absl.*"
)


def start_quietly():
    """Imports TensorFlow and looks for devices, without the log lines that this prints.

    Whatever else is written to stderr meanwhile (warnings, the reason of a failure) comes through.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
            # Six specialists mean six traces; TensorFlow would warn of the fifth and each later.
            tf.get_logger().setLevel("ERROR")
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held_back.seek(0)
            for line in held_back:
                if not _START_UP_NOISE.fullmatch(line.rstrip()):
                    sys.stderr.buffer.write(line)
            sys.stderr.flush()
