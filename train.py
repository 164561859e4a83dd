"""Trains facial-keypoint models: any net of the zoo, or the six specialists."""

import signal

import command_line
from training.arguments import parse_arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    if not arguments.list:
        from training import first_checks

        first_checks.check(arguments)
    # Whoever ends the process politely gets what Ctrl-C gets: the best weights, and a way to go on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command_line.start_quietly()
    # After the quiet start, for both import TensorFlow.
    if arguments.list:
        from training import listing

        return listing.print_zoo()
    from training import command

    return command.run(arguments)


if __name__ == "__main__":
    command_line.run(main)
