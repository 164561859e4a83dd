"""Where a model is served, and which keypoints it finds."""

import dataclasses
from collections.abc import Collection, Mapping

import keypoint_schema
from errors import UserError

# A request of more faces than `max_batch_size` in batching_parameters.txt is refused whole.
MAX_BATCH = 32
OVERLOADED = (
    "{} is overloaded: {}. Send fewer requests at a time, or raise max_enqueued_batches in "
    "serving/batching_parameters.txt."
)


@dataclasses.dataclass(frozen=True)
class Target:
    """A served model.

    Attributes:
        url: `http://host[:8501]` or `https://host[:443]` for REST, `grpc[s]://host[:8500]` for
            gRPC; s means TLS.
        model: its name in `models.config`.
        version: a version number, or None.
        label: a version label such as `stable`, or None; not both. Neither means the newest.
        timeout: s, for each request from its start to the end of its answer.
    """

    url: str
    model: str = "facial_keypoints"
    version: int | None = None
    label: str | None = None
    timeout: float = 10.0


def served_names(outputs: Mapping[str, Collection[str]], target: Target) -> list[str]:
    """The served keypoints, in the schema's order.

    Args:
        outputs: the names of each signature's outputs.
        target: where they come from.

    Raises:
        UserError: if the model has no `serve_named`, whose outputs are called by keypoint.
    """
    if "serve_named" not in outputs:
        raise UserError(
            "The served model must be one that export.py wrote, with the signature serve_named. "
            f"Received from {target.url}, of model {target.model!r}: "
            f"{', '.join(sorted(outputs)) or 'no signature'}. --model names another one."
        )
    return [name for name in keypoint_schema.NAMES if name in outputs["serve_named"]]
