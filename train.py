"""Trains facial-keypoint models: any net of the zoo, or the six specialists."""

import command_line
from training.arguments import parse_arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    if arguments.list:
        command_line.start_without_tensorflow()
        from training import listing

        return listing.print_zoo()
    command_line.start_quietly()
    from training import command  # after the quiet start, because it imports TensorFlow

    return command.run(arguments)


if __name__ == "__main__":
    command_line.run(main)
