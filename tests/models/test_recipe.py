import dataclasses
import math

import pytest

from errors import UserError
from models import Recipe


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"epochs": 10**6 + 1},
        {"batch_size": 0},
        {"batch_size": 2**31},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"heatmap_loss": math.inf},
        {"momentum": 1.0},
        {"augmentation": "mirror"},
        {"patience": 0},
        {"rows": "some"},
        {"loss": "l7"},
        {"optimizer": "sgd"},
        {"warmup_epochs": 3},
        {"weight_decay": 0.1},
        {"averaging": 1.0},
        {"warmup_epochs": -3, "optimizer": "adamw"},
        {"weight_decay": -0.1, "optimizer": "adamw"},
        {"final_learning_rate": 0.1, "optimizer": "adamw"},
        {"final_learning_rate": 0.0},
        {"final_learning_rate": -0.01},
        {"final_momentum": 0.99, "optimizer": "adamw"},
        {"final_momentum": 1.0},
        {"final_momentum": -0.1},
    ],
)
def test_senseless_value_is_refused(change):
    with pytest.raises(UserError, match=f"^{next(iter(change))} must be"):
        Recipe(**{"epochs": 10} | change)


def test_recipe_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe(epochs=10).epochs = 5
