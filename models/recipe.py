"""How a net is trained: every number that the training loop needs, in one frozen record."""

import dataclasses
from collections.abc import Mapping

from errors import UserError

AUGMENTATIONS = ("none", "flip")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training settings. The defaults are those of the tutorial's net1."""

    epochs: int
    batch_size: int = 128  # faces
    learning_rate: float = 0.01  # in the first epoch
    final_learning_rate: float | None = None  # in the last epoch, linear between; None: constant
    momentum: float = 0.9  # Nesterov's, in the first epoch
    final_momentum: float | None = None  # in the last epoch, linear between; None: constant
    augmentation: str = "none"  # one of AUGMENTATIONS; "flip" mirrors half of every batch
    patience: int | None = None  # epochs without a better validation loss; None: never stops early

    def __post_init__(self):
        rules = (
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("learning_rate", self.learning_rate > 0, "positive"),
            ("momentum", 0 <= self.momentum < 1, "in [0, 1)"),
            ("augmentation", self.augmentation in AUGMENTATIONS, f"one of {AUGMENTATIONS}"),
            ("patience", self.patience is None or self.patience >= 1, "at least 1, or none"),
        )
        for field, holds, rule in rules:
            if not holds:
                raise UserError(f"{field} must be {rule}. Received: {getattr(self, field)!r}.")

    def override(self, changes: Mapping[str, object]) -> "Recipe":
        """A copy with some fields changed.

        Raises:
            UserError: for a field that recipes do not have.
        """
        fields = [field.name for field in dataclasses.fields(self)]
        unknown = [name for name in changes if name not in fields]
        if unknown:
            raise UserError(
                f"A recipe has no field {unknown[0]!r}. Its fields: {', '.join(fields)}."
            )
        return dataclasses.replace(self, **changes)
