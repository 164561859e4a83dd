"""Finds the commonest mistakes before TensorFlow is imported, which takes seconds."""

import os

from data_pipeline.locating import require_faces
from errors import UserError
from models import names
from trained_nets import places


def check(arguments):
    """Checks that what the options name exists.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.

    Raises:
        UserError: if a net, data or a trained net is missing, or the run folder is in the way.
    """
    for net in (arguments.model, arguments.architecture):
        if net not in (None, places.SPECIALISTS_MODEL):
            names.require_net(net)
    for origin in (arguments.init_from, arguments.distill_from):
        if origin:
            places.require_keras_net(origin)
    for data in arguments.data:
        require_faces(data)
    # Of several processes, the first one alone may look: the others may come when it has begun.
    if not any(name.startswith("KERAS_DISTRIBUTION_") for name in os.environ):
        check_path(path_of(arguments), arguments)


def path_of(arguments):
    """Returns the folder of the run that the options name."""
    return arguments.runs / (arguments.name or arguments.model)


def check_path(run, arguments):
    """Refuses to overwrite an earlier run unless asked.

    Raises:
        UserError: if a run is there that is not to be, or the other way round.
    """
    is_begun = places.is_begun(run)
    if is_begun and not (arguments.resume or arguments.overwrite):
        raise UserError(
            f"{run} exists. --resume continues it, --overwrite replaces it, "
            "--name chooses another folder."
        )
    if arguments.resume and not is_begun:
        raise UserError(f"There is no {run} to resume; leave out --resume to start it.")
