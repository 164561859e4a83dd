"""What the scripts share: one clear line and exit status 2 for a person's mistake."""

import os
import sys

from errors import UserError


def run(main):
    """Runs a script's `main()` and exits with its status (None is 0).

    A `UserError` becomes `<script>: error: <message>` on stderr and status 2. A second Ctrl-C, or
    one outside training, gives status 130, and a reader that went away (`| head`) ends quietly.
    """
    script = os.path.basename(sys.argv[0])
    # TensorFlow logs CPU features and missing GPUs to stderr at import; a person's own setting wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
