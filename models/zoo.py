"""The registry: every net by name, with its builder and its recipe."""

import dataclasses
import functools
import types
from collections.abc import Callable, Mapping

import keras

import keypoint_schema
from errors import UserError, first_line
from models import heatmap_nets, tutorial_nets
from models.names import require_net
from models.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Entry:
    """A net of the zoo.

    Attributes:
        description: what it is, in a few words.
        builder: called as `builder(num_keypoints, name=…)`; returns the functional model.
        recipe: how it is trained.
        variants: other recipes for it, by the name that `--recipe` takes.
        specialist_budgets: images that each specialist of this kind sees, from scratch and after a
            warm start; the tutorial's by default.
    """

    description: str
    builder: Callable[..., keras.Model]
    recipe: Recipe
    variants: Mapping[str, Recipe] = dataclasses.field(default_factory=dict)
    specialist_budgets: tuple[int, int] = (10_000_000, 4_000_000)


_DROPOUT = (0.1, 0.2, 0.3, 0.5)
_FIXED = Recipe(epochs=1000)
_SCHEDULED = Recipe(
    epochs=3000,
    learning_rate=0.03,
    final_learning_rate=0.0001,
    momentum=0.9,
    final_momentum=0.999,
)
_MODERN = Recipe(
    epochs=120,
    batch_size=32,
    rows="labelled",
    augmentation="full",
    loss="huber",
    heatmap_loss=0.2,
    mirror_offset=True,
    optimizer="adamw",
    learning_rate=0.0015,
    warmup_epochs=3,
    weight_decay=0.02,
    averaging=0.1,
)
# The likelihood learns faster; at the end of a long training, it is hardly better.
_QUICK = dataclasses.replace(_MODERN, epochs=30, warmup_epochs=1, loss="laplace")
_MODERN_BUDGETS = (400_000, 80_000)

ZOO = types.MappingProxyType(
    {
        "net1": Entry(
            "single hidden layer",
            tutorial_nets.single_hidden_layer,
            dataclasses.replace(_FIXED, epochs=400),
        ),
        "net2": Entry("convolutions", tutorial_nets.convolutional, _FIXED),
        "net3": Entry(
            "net2 + flips",
            tutorial_nets.convolutional,
            dataclasses.replace(_FIXED, epochs=3000, augmentation="flip"),
        ),
        "net4": Entry("net2 + schedules", tutorial_nets.convolutional, _SCHEDULED),
        "net5": Entry(
            "net2 + flips + schedules",
            tutorial_nets.convolutional,
            dataclasses.replace(_SCHEDULED, augmentation="flip"),
        ),
        "net6": Entry(
            "net5 + dropout",
            functools.partial(tutorial_nets.convolutional, dropout=_DROPOUT),
            dataclasses.replace(_SCHEDULED, augmentation="flip"),
        ),
        "net7": Entry(
            "net6 with 1,000 hidden units",
            functools.partial(tutorial_nets.convolutional, dropout=_DROPOUT, hidden_units=1000),
            dataclasses.replace(_SCHEDULED, augmentation="flip", epochs=10000),
        ),
        "heatmap_s": Entry(
            "residual net with soft-argmax heatmaps, small",
            functools.partial(heatmap_nets.heatmap, filters=(24, 48, 96)),
            _MODERN,
            # From scratch to 1.6 px on real faces in about two minutes on two cores.
            {"quick": _QUICK},
            specialist_budgets=_MODERN_BUDGETS,
        ),
        "heatmap_m": Entry(
            "residual net with soft-argmax heatmaps, medium",
            functools.partial(heatmap_nets.heatmap, filters=(32, 64, 128)),
            _MODERN,
            specialist_budgets=_MODERN_BUDGETS,
        ),
        "heatmap_l": Entry(
            "residual net with soft-argmax heatmaps, large",
            functools.partial(heatmap_nets.heatmap, filters=(48, 96, 192), pyramid_filters=96),
            _MODERN,
            specialist_budgets=_MODERN_BUDGETS,
        ),
    }
)


def find(name: str) -> Entry:
    """Finds the zoo entry of that name.

    Raises:
        UserError: if there is none.
    """
    require_net(name)
    return ZOO[name]


def find_recipe(name: str, variant: str | None = None) -> Recipe:
    """Finds a net's default recipe, or one of its variants.

    Raises:
        UserError: if there is no such entry, or it has no variant of that name.
    """
    entry = find(name)
    if variant is None:
        return entry.recipe
    if variant not in entry.variants:
        known = ", ".join(entry.variants) or "none"
        raise UserError(f"{name} has no recipe {variant!r}. Its other recipes: {known}.")
    return entry.variants[variant]


def build(
    name: str,
    num_keypoints: int = keypoint_schema.NUM_KEYPOINTS,
    model_name: str | None = None,
    settings: Mapping[str, object] | None = None,
) -> keras.Model:
    """Builds a net with fresh weights.

    Args:
        name: the zoo entry's name.
        num_keypoints: K, how many keypoints it predicts.
        model_name: the model's name; the zoo entry's by default.
        settings: parameters of the builder that differ from the zoo's.

    Returns:
        A functional model from images `(batch, 96, 96, 1)`, 0–255, to normalized keypoints
        `(batch, K, 2)`, float32.

    Raises:
        UserError: if there is no such entry, or it cannot be built with these settings.
    """
    builder = find(name).builder
    if not settings:
        return builder(num_keypoints, name=model_name or name)
    try:
        return builder(num_keypoints, name=model_name or name, **settings)
    except (TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"{name} cannot be built with {dict(settings)}: {first_line(error)}."
        ) from error
