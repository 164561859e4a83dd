"""Imports point one way, as the house style draws them."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROOTS = {"errors", "keypoint_schema"}
ALLOWED = {
    "keypoint_schema": set(),
    "errors": set(),
    "command_line": {"errors"},
    "data_pipeline": {*ROOTS, "command_line"},  # download is a script too
    "models": ROOTS,
    "evaluation": ROOTS,
    "callbacks": set(),
    "run_folder": {*ROOTS, "models"},
    "compiling": {*ROOTS, "callbacks", "data_pipeline", "models"},
    "outcomes": {*ROOTS, "data_pipeline", "evaluation"},
    "predictor": {*ROOTS, "presets", "run_folder"},
    "repeated_split": {*ROOTS, "data_pipeline"},
    "training_task": {*ROOTS, "data_pipeline", "models", "predictor", "run_folder"},
    "distillation": {*ROOTS, "data_pipeline", "predictor"},
    "fitting": {
        *ROOTS,
        "callbacks",
        "compiling",
        "data_pipeline",
        "distillation",
        "models",
        "outcomes",
        "training_task",
    },
    "specialist_training": {
        *ROOTS,
        "data_pipeline",
        "fitting",
        "models",
        "run_folder",
        "training_task",
    },
    "ensemble_training": {
        *ROOTS,
        "data_pipeline",
        "fitting",
        "outcomes",
        "run_folder",
        "training_task",
    },
    "train_arguments": {"command_line"},
    "pictures": ROOTS,
    "presets": {*ROOTS, "models", "run_folder"},
    "serving": {*ROOTS, "command_line", "pictures"},
    "serving_graph": {*ROOTS, "command_line", "run_folder"},  # to keep the converters quiet
}
OURS = {path.stem for path in ROOT.glob("*.py")} | {
    path.parent.name for path in ROOT.glob("*/__init__.py")
}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module.split(".")[0]


def sources(module):
    file = ROOT / f"{module}.py"
    return [file] if file.exists() else sorted((ROOT / module).rglob("*.py"))


@pytest.mark.parametrize("module", ALLOWED)
def test_module_imports_only_what_lies_below(module):
    paths = sources(module)
    assert paths
    for path in paths:
        ours = set(imported_modules(path)) & OURS - {module}
        assert ours <= ALLOWED[module], f"{path.name} imports {ours - ALLOWED[module]}"


@pytest.mark.parametrize("module", ["keypoint_schema", "callbacks", "models"])
def test_tensorflow_stays_in_its_rooms(module):
    for path in sources(module):
        imported = set(imported_modules(path))
        # precision.py asks each backend for its GPUs.
        assert "tensorflow" not in imported or path.name == "precision.py", path
