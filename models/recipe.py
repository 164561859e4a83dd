"""How a net is trained: every number that the training loop needs, in one frozen record."""

import dataclasses
import math
from collections.abc import Mapping

from errors import UserError

OPTIMIZERS = ("nesterov", "adamw")
LOSSES = ("mse", "huber", "laplace")
AUGMENTATIONS = ("none", "flip", "full")
ROWS = ("complete", "labelled")
MAX_EPOCHS = 10**6  # a hundred times the tutorial's most; tables have a row for each epoch
MAX_BATCH_SIZE = 2**31 - 1  # faces: more than any data set has, and no overflow anywhere


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training settings. The defaults are those of the tutorial's net1."""

    epochs: int
    batch_size: int = 128  # faces
    rows: str = "complete"  # faces with all labels; "labelled": with any, a masked loss
    augmentation: str = "none"  # "flip" mirrors half of every batch; "full" also warps and relights
    # Or "huber", linear beyond 1.5 px; or, for heatmap nets, "laplace", the likelihood of distances
    # with a scale that the net predicts, which is validated with "huber".
    loss: str = "mse"
    heatmap_loss: float = 0.0  # weight of an additional cross-entropy on heatmaps; for heatmap nets
    four_point_labeller: bool = False  # rows with no other keypoints count as another labeller's
    mirror_offset: bool = False  # measure how flips must treat labels that are not mirror-symmetric
    optimizer: str = "nesterov"  # or "adamw"
    learning_rate: float = 0.01  # nesterov: in the first epoch; adamw: at its peak
    final_learning_rate: float | None = None  # nesterov: in the last epoch; None: constant
    momentum: float = 0.9  # nesterov: in the first epoch
    final_momentum: float | None = None  # nesterov: in the last epoch; None: constant
    warmup_epochs: int = 0  # adamw: linear to the peak, then a cosine down to 1 % of it
    weight_decay: float = 0.0  # adamw: per step, times the learning rate; not on biases
    # The share of the steps so far that the moving average of weights covers; None: no average.
    averaging: float | None = None
    patience: int | None = None  # epochs without a better validation loss; None: no early stopping
    # Parameters of the net's builder that differ from the zoo's, such as `dropout`.
    net_settings: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        is_adamw = self.optimizer == "adamw"
        rate, momentum = self.final_learning_rate, self.final_momentum  # in the last epoch
        floats = {name: each for name, each in vars(self).items() if isinstance(each, float)}
        rules = (
            *((name, math.isfinite(each), "finite") for name, each in floats.items()),
            ("epochs", self.epochs >= 1, "at least 1"),
            ("epochs", self.epochs <= MAX_EPOCHS, f"at most {MAX_EPOCHS}"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("batch_size", self.batch_size <= MAX_BATCH_SIZE, f"at most {MAX_BATCH_SIZE}"),
            ("rows", self.rows in ROWS, f"one of {ROWS}"),
            ("augmentation", self.augmentation in AUGMENTATIONS, f"one of {AUGMENTATIONS}"),
            ("loss", self.loss in LOSSES, f"one of {LOSSES}"),
            ("heatmap_loss", self.heatmap_loss >= 0, "at least 0"),
            ("optimizer", self.optimizer in OPTIMIZERS, f"one of {OPTIMIZERS}"),
            ("learning_rate", self.learning_rate > 0, "positive"),
            ("final_learning_rate", rate is None or not is_adamw, "none with adamw"),
            ("final_learning_rate", rate is None or rate > 0, "positive, or none"),
            ("momentum", 0 <= self.momentum < 1, "in [0, 1)"),
            ("final_momentum", momentum is None or not is_adamw, "none with adamw"),
            ("final_momentum", momentum is None or 0 <= momentum < 1, "in [0, 1), or none"),
            ("warmup_epochs", is_adamw or not self.warmup_epochs, "0 without adamw"),
            ("warmup_epochs", self.warmup_epochs >= 0, "at least 0"),
            ("weight_decay", is_adamw or not self.weight_decay, "0 without adamw"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("averaging", self.averaging is None or 0 < self.averaging < 1, "in (0, 1), or none"),
            ("patience", self.patience is None or self.patience >= 1, "at least 1, or none"),
        )
        for field, holds, rule in rules:
            if not holds:
                raise UserError(f"{field} must be {rule}. Received: {getattr(self, field)!r}.")

    def as_json(self) -> dict:
        """Returns the settings for `config.json`; those of the net only if any were changed."""
        settings = dataclasses.asdict(self)
        net_settings = settings.pop("net_settings")
        if not net_settings:
            return settings
        lists = {k: list(v) if isinstance(v, tuple) else v for k, v in net_settings.items()}
        return settings | {"net_settings": lists}
