"""The faces of a training: one data set or several, each with a labeller of its own."""

import dataclasses
from collections.abc import Sequence

import rich.console

import data_pipeline
from data_pipeline import FaceData
from errors import UserError
from trained_nets import held_out
from trained_nets.trained_net import TrainedNet


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

    def described(self) -> tuple[dict, ...]:
        """Returns what `config.json` records about each of several data sets; nothing about one."""
        if len(self.data) == 1:
            return ()
        return tuple(
            {
                "description": data.description,
                "fingerprint": data.fingerprint,
                "grouped_by": data.grouped_by,
                "split": data_pipeline.split_digest(valid),
                "labellers": list(data.labellers),
            }
            for data, valid in zip(self.data, self.valid, strict=True)
        )

    def require_unseen_by(self, warm_start: TrainedNet):
        """Checks that the net that those of `--folds` start from has not trained on these faces.

        Raises:
            UserError: if it has.
        """
        if any(held_out.has_trained_on(warm_start.config, data) for data in self.data):
            raise UserError(
                f"{warm_start.origin} has seen faces that the nets of --folds leave out, so their "
                "errors on those would look too good. Leave out --init-from or --folds."
            )

    def count_seen_by(
        self, nets: Sequence[TrainedNet | None], console: rich.console.Console
    ) -> int:
        """Counts the held-out faces seen by the nets that this training builds on, and says so.

        Returns:
            The most that one of them has seen.
        """
        most = 0
        total = sum(len(valid) for valid in self.valid)
        for net in filter(None, nets):
            seen = sum(
                held_out.count_seen(net.config, net.origin, valid, data)
                for valid, data in zip(self.valid, self.data, strict=True)
            )
            most = max(most, seen)
            if seen:
                console.print(
                    f"Note: {net.origin} has seen {seen:,} of the {total:,} faces that are held "
                    "out here, so validation errors will look too good.",
                    style="yellow",
                )
        return most


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


def without_held_out_pictures(
    train: FaceData, valid: FaceData, console: rich.console.Console
) -> FaceData:
    """Returns the training rows whose pictures no data set holds out; says how many others were."""
    apart = data_pipeline.without_pictures_of(train, valid)
    if shared := len(train) - len(apart):
        console.print(
            f"Note: {shared:,} faces are left out of training, because their pictures are held out "
            "of another data set.",
            style="yellow",
        )
    return apart


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
