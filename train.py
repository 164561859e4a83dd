"""Trains facial-keypoint models: any net of the zoo, or the six specialists."""

import signal

import command_line
from training.arguments import parse_arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    if arguments.list:
        command_line.start_without_tensorflow()
        from training import listing

        return listing.print_zoo()
    # Whoever ends the process politely gets what Ctrl-C gets: the best weights, and a way to go on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command_line.start_quietly()
    from training import command  # after the quiet start, for it imports TensorFlow

    return command.run(arguments)


if __name__ == "__main__":
    command_line.run(main)
