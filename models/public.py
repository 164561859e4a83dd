"""What other folders use of the zoo, as `models.NAME`."""

from models.labellers import with_outputs
from models.layer_tables import count_flops, layer_table, zoo_table
from models.losses import MaskedHuber, MaskedMeanSquaredError
from models.merge import average, merge_specialists
from models.metrics import LabelledMeanSquaredError, LossOfFaces, RootMeanSquaredErrorPixels
from models.precision import choose_precision, count_gpus, set_precision
from models.predicting import in_pieces, predict_normalized, predict_pixels
from models.recipe import Recipe
from models.recipe_settings import override
from models.training_model import TrainingModel
from models.uncertainty import with_uncertainty
from models.warm_starts import warm_start
from models.zoo import ZOO, build, find, find_recipe

__all__ = [
    "ZOO",
    "LabelledMeanSquaredError",
    "LossOfFaces",
    "MaskedHuber",
    "MaskedMeanSquaredError",
    "Recipe",
    "RootMeanSquaredErrorPixels",
    "TrainingModel",
    "average",
    "build",
    "choose_precision",
    "count_flops",
    "count_gpus",
    "find",
    "find_recipe",
    "in_pieces",
    "layer_table",
    "merge_specialists",
    "override",
    "predict_normalized",
    "predict_pixels",
    "set_precision",
    "warm_start",
    "with_outputs",
    "with_uncertainty",
    "zoo_table",
]
