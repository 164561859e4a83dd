"""What a training logged, and which of its epochs it kept."""

import dataclasses
import typing

if typing.TYPE_CHECKING:
    import pandas as pd  # takes half a second, which training saves


@dataclasses.dataclass(frozen=True)
class History:
    """The epochs of one net's training.

    Attributes:
        table: a row an epoch, except for one that diverged, with the columns `epoch`, counted from
            1, `train_loss` and `valid_loss`: mean squared errors, normalized.
        best_epoch: whose weights were kept, counted from 1: that of the smallest loss of the net's
            own kind, which need not have the smallest mean squared error. None if it is not known.
    """

    table: "pd.DataFrame"
    best_epoch: int | None = None

    @property
    def best(self) -> "pd.Series":
        """The row of the best epoch.

        Where that is not known, as of a training that was killed: the row with the smallest mean
        squared error, or the last one of a training without validation.
        """
        kept = self.table[self.table["epoch"] == self.best_epoch]
        if len(kept):
            return kept.iloc[0]
        losses = self.table["valid_loss"]
        return self.table.iloc[-1] if losses.isna().all() else self.table.loc[losses.idxmin()]
