"""Tables of a net's layers and of the whole zoo."""

import math

import keras
import rich.console
import rich.table

from models import zoo


def count_flops(model: keras.Model) -> int:
    """Counts the floating-point operations of a forward pass on one face; a multiply-add is two.

    Only kernels of convolutions and dense layers count; they do all but a percent of the work.
    """
    flops = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            flops += count_flops(layer)
        elif (kernel := getattr(layer, "kernel", None)) is not None:
            positions = math.prod(layer.output.shape[1:-1])
            flops += 2 * math.prod(kernel.shape) * positions
    return flops


def layer_table(model: keras.Model) -> rich.console.Group:
    """Builds the tutorial's layer table: name, output shape, number of outputs, parameters."""
    table = rich.table.Table(box=None, pad_edge=False)
    table.add_column("layer")
    table.add_column("output")
    table.add_column("outputs", justify="right")
    table.add_column("parameters", justify="right")
    for layer in model.layers:
        shape = layer.output.shape[1:]
        table.add_row(
            layer.name,
            "×".join(map(str, shape)),
            f"{math.prod(shape):,}",
            f"{layer.count_params():,}",
        )
    title = (
        f"{model.name}: {model.count_params():,} parameters, "
        f"{count_flops(model) / 1e6:,.1f} MFLOPs per face"
    )
    return rich.console.Group(title, table)


def zoo_table() -> rich.table.Table:
    """Builds the zoo's table: each net's name, description, size and epochs of training."""
    table = rich.table.Table(box=None, pad_edge=False)
    table.add_column("name")
    table.add_column("what it is")
    for column in ("parameters", "MFLOPs/face", "epochs"):
        table.add_column(column, justify="right")
    built = {}  # net2 to net5 differ in their recipes alone
    for name, entry in zoo.ZOO.items():
        if entry.builder not in built:
            # Sizes need no weights, which would take seconds and half a GB.
            with keras.StatelessScope(initialize_variables=False):
                built[entry.builder] = zoo.build(name)
        model = built[entry.builder]
        table.add_row(
            name,
            entry.description,
            f"{model.count_params():,}",
            f"{count_flops(model) / 1e6:,.1f}",
            f"{entry.recipe.epochs:,}",
        )
    return table
