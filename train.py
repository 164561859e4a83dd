"""Trains facial-keypoint models: any net of the zoo, or the six specialists."""

import command_line
import interrupts
import tensorflow_start
from training.arguments import parse_arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    if not arguments.list:
        from training import first_checks

        first_checks.check(arguments)
    interrupts.take()
    if arguments.machines and not arguments.list:
        from training import ray_machines

        return ray_machines.run(arguments)
    tensorflow_start.start_quietly()
    # After the quiet start, for both import TensorFlow.
    if arguments.list:
        from training import listing

        return listing.print_zoo()
    from training import command

    return command.run(arguments)


if __name__ == "__main__":
    command_line.run(main)
