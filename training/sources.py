"""The faces of a training: one data set or several, each with a labeller of its own."""

import dataclasses
from collections.abc import Sequence

import data_pipeline
from data_pipeline import FaceData
from errors import UserError
from trained_nets import held_out


@dataclasses.dataclass(frozen=True)
class Sources:
    """Data sets and the split of each; those of one that is read alone stay the same among others.

    Attributes:
        data: the faces of each.
        train, valid: the two sides of each.
    """

    data: Sequence[FaceData]
    train: Sequence[FaceData]
    valid: Sequence[FaceData]

    def joined(self) -> tuple[FaceData, FaceData]:
        """Returns the training and the validation rows of all data sets."""
        return data_pipeline.join(self.train), data_pipeline.join(self.valid)

    def as_recorded(self, config: dict) -> "Sources":
        """Returns the same with labellers named as in a run that learned from them."""
        return Sources(
            *(
                [held_out.as_recorded(each, config) for each in side]
                for side in (self.data, self.train, self.valid)
            )
        )


def load_sources(
    paths: Sequence[str | None], seed: int, hold_out: float, four_point_labeller: bool
) -> Sources:
    """Loads and splits data sets.

    Args:
        paths: what `--data` takes; None for the drawn faces.
        seed: decides the splits.
        hold_out: share of each that is held out.
        four_point_labeller: whether to tell the four-point labeller's rows apart.

    Raises:
        UserError: if one cannot be read or split, or two are the same, or have the same name.
    """
    data = [data_pipeline.load_faces(path) for path in paths]
    _require_distinct(data)
    if four_point_labeller:
        data = [each.with_four_point_labeller() for each in data]
    sides = [data_pipeline.split(each, seed, hold_out) for each in data]
    train, valid = zip(*sides, strict=True)
    return Sources(data, train, valid)


def _require_distinct(data):
    if len({each.fingerprint for each in data}) < len(data):
        raise UserError("Two of --data have the same faces. Name each data set once.")
    names = [each.labellers[0] for each in data]
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"A labeller is named after its data's folder, and two of --data are called "
                f"{name!r}. Rename one of them; for shards, convert again with --labeller."
            )
