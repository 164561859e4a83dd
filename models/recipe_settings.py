"""Changes to a recipe and its net, as typed on the command line: `learning_rate=0.005`.

A setting is a field of `models.Recipe`, or a parameter of the net's builder, such as `dropout`.
"""

import ast
import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping, Sequence

from errors import UserError
from models import zoo
from models.recipe import Recipe

_NOT_SETTINGS = ("num_keypoints", "name")  # other parameters of a builder


def override(net: str, recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """Copies a recipe with some settings changed, including those of the net's builder.

    Args:
        net: the zoo entry's name.
        recipe: the recipe to copy.
        changes: values by setting; text is converted by `read_value`.

    Raises:
        UserError: for a setting that neither the recipe nor the net has, or that the optimizer does
            not use; or for a value that is not allowed.
    """
    recipe_types, net_types = _recipe_types(), _net_types(net)
    fields, net_settings = {}, dict(recipe.net_settings)
    for name, value in changes.items():
        if name not in recipe_types | net_types:
            raise UserError(
                f"{net} has no setting {name!r}. Settings of its recipe: "
                f"{', '.join(recipe_types)}; of the net: {', '.join(net_types) or 'none'}."
            )
        if name in recipe_types:
            fields[name] = read_value(name, value, recipe_types[name])
        else:
            net_settings[name] = read_value(name, value, net_types[name])
    changed = dataclasses.replace(recipe, **fields, net_settings=net_settings)
    # Not a rule of the recipe, whose default is a number: adamw's recipes have it as well.
    if "momentum" in fields and changed.optimizer == "adamw":
        raise UserError(
            "momentum must be left out with adamw, which has none to set. "
            f"Received: {fields['momentum']!r}."
        )
    return changed


def read_value(name: str, value: object, kind: object) -> object:
    """Reads a setting's value, typed as text or given by a Python caller.

    Args:
        name: the setting's name, for messages.
        value: text such as `0.01`, `true`, `none` or `0.1,0.2`; or the value itself.
        kind: the annotation of its type.

    Raises:
        UserError: if it is of another type.
    """
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    found = value
    if isinstance(value, str) and str not in kinds:
        try:
            found = {"true": True, "false": False, "none": None}.get(value.lower(), value)
            found = ast.literal_eval(found) if isinstance(found, str) else found
        except (ValueError, SyntaxError):
            pass  # text where none belongs, which is reported below
    for each in kinds:
        if _is_of(found, each):
            # Text, since a whole number beyond all floats shall be infinite, not an OverflowError.
            return float(str(found)) if each is float else found
    raise UserError(f"{name} must be {' or '.join(map(_named, kinds))}. Received: {value!r}.")


def _recipe_types():
    types_by_name = typing.get_type_hints(Recipe)
    return {name: kind for name, kind in types_by_name.items() if name != "net_settings"}


def _net_types(net):
    parameters = inspect.signature(zoo.find(net).builder).parameters.values()
    return {each.name: each.annotation for each in parameters if each.name not in _NOT_SETTINGS}


def _is_of(value, kind):
    if kind in (float, int):
        numbers = (int, float) if kind is float else int
        return isinstance(value, numbers) and not isinstance(value, bool)
    if kind is types.NoneType:
        return value is None
    if typing.get_origin(kind) is Sequence:
        (item,) = typing.get_args(kind)
        return isinstance(value, tuple | list) and all(_is_of(each, item) for each in value)
    return isinstance(value, kind)


def _named(kind):
    if typing.get_origin(kind) is Sequence:
        return f"a comma-separated list (each {_named(typing.get_args(kind)[0])})"
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}
    return names.get(kind, "none")
