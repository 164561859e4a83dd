"""Settings of a recipe, and of a net's builder, as a person types them."""

import pytest

import models
from errors import UserError


def changed(net, **changes):
    return models.override(net, models.find_recipe(net), changes)


def test_text_becomes_what_the_recipe_takes():
    recipe = changed(
        "net5",
        learning_rate="0.005",
        final_learning_rate="none",
        batch_size="64",
        augmentation="none",
        patience="7",
        mirror_offset="true",
        averaging="0.1",
    )
    assert (recipe.learning_rate, recipe.final_learning_rate) == (0.005, None)
    assert (recipe.batch_size, recipe.augmentation, recipe.patience) == (64, "none", 7)
    assert recipe.mirror_offset is True
    assert recipe.averaging == 0.1
    assert recipe.final_momentum == 0.999  # as it was


def test_a_net_is_built_with_its_settings():
    recipe = changed("net6", dropout="0.2,0.2,0.4,0.5", hidden_units="64")
    assert recipe.net_settings == {"dropout": (0.2, 0.2, 0.4, 0.5), "hidden_units": 64}
    assert recipe.as_json()["net_settings"] == {"dropout": [0.2, 0.2, 0.4, 0.5], "hidden_units": 64}
    model = models.build("net6", settings=recipe.net_settings)
    assert model.get_layer("hidden4").units == 64
    assert model.get_layer("dropout3").rate == 0.4
    assert "dropout1" not in [
        layer.name
        for layer in models.build("net6", settings={"dropout": None, "hidden_units": 64}).layers
    ]


def test_a_recipe_without_settings_of_the_net_is_written_as_ever():
    assert "net_settings" not in models.find_recipe("net6").as_json()


def test_settings_add_up():
    recipe = models.override("net6", changed("net6", hidden_units=64), {"dropout": None})
    assert recipe.net_settings == {"hidden_units": 64, "dropout": None}


@pytest.mark.parametrize(
    ("net", "setting", "value", "message"),
    [
        ("net1", "learning_rat", "0.1", "net1 has no setting 'learning_rat'.*hidden_units"),
        ("net1", "dropout", "0.1", "net1 has no setting 'dropout'"),
        ("net2", "learning_rate", "fast", "learning_rate must be a number. Received: 'fast'"),
        ("net2", "learning_rate", "1e999", "learning_rate must be finite. Received: inf"),
        ("net2", "learning_rate", "1" + 400 * "0", "learning_rate must be finite. Received: inf"),
        ("net2", "batch_size", "99999999999999999999", "batch_size must be at most 2147483647"),
        ("heatmap_s", "momentum", "0.9", "^momentum must be left out with adamw"),
        ("heatmap_s", "final_momentum", "0.99", "^final_momentum must be none with adamw"),
        ("net2", "batch_size", "1.5", "batch_size must be a whole number. Received: '1.5'"),
        ("net2", "batch_size", "true", "batch_size must be a whole number"),
        ("net2", "patience", "0", "patience must be at least 1, or none"),
        ("net2", "four_point_labeller", "1", "four_point_labeller must be true or false"),
        ("net2", "rows", "all", "rows must be one of"),
        ("net6", "dropout", "0.1", "dropout must be a comma-separated list .* or none"),
        ("net6", "dropout", "a,b", "dropout must be a comma-separated list"),
    ],
)
def test_a_wrong_setting_is_told(net, setting, value, message):
    with pytest.raises(UserError, match=message):
        changed(net, **{setting: value})


def test_momentum_is_for_the_optimizer_that_is_chosen():
    nesterov = {"optimizer": "nesterov", "warmup_epochs": 0, "weight_decay": 0}
    assert changed("heatmap_s", **nesterov, momentum=0.5).momentum == 0.5
    with pytest.raises(UserError, match="momentum must be left out with adamw"):
        changed("net1", momentum=0.5, optimizer="adamw")


@pytest.mark.parametrize("dropout", [(0.1, 0.2), (0.1, 0.2, 0.3, 1.5)])
def test_a_net_that_cannot_be_built_so_is_told(dropout):
    with pytest.raises(UserError, match="net6 cannot be built with {'dropout'"):
        models.build("net6", settings={"dropout": dropout})
