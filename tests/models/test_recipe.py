import dataclasses

import pytest

from errors import UserError
from models import Recipe


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"momentum": 1.0},
        {"augmentation": "mirror"},
        {"patience": 0},
        {"rows": "some"},
        {"loss": "l7"},
        {"optimizer": "sgd"},
        {"warmup_epochs": 3},
        {"weight_decay": 0.1},
        {"averaging": 1.0},
        {"final_learning_rate": 0.1, "optimizer": "adamw"},
    ],
)
def test_senseless_value_is_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        Recipe(**{"epochs": 10} | change)


def test_recipe_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe(epochs=10).epochs = 5
