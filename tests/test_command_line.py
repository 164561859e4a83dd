import errno
import importlib
import importlib.util
import os
import re
import subprocess
import sys

import pytest
from PIL import Image

import command_line
import demo.__main__
import evaluate
import export
import predict
import training.arguments
from data_pipeline import convert
from errors import UserError, looking_at
from tests import ROOT
from tests.running import run_python, run_script

FACE = str(ROOT / "docs" / "figures" / "astronaut.png")


def exit_status(main):
    with pytest.raises(SystemExit) as stop:
        command_line.run(main)
    return stop.value.code


def fail_with(error):
    def main(argv):
        raise error

    return main


def test_a_mistake_is_one_line_and_status_2(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py"])
    assert exit_status(fail_with(UserError("No such\n  thing."))) == 2
    assert capsys.readouterr().err == "train.py: error: No such thing.\n"


def test_a_warning_is_one_line_whatever_the_name_of_a_file(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/predict.py"])
    command_line.warn("a\nface.png is skipped.")
    assert capsys.readouterr().err == "predict.py: a face.png is skipped.\n"


def test_a_module_is_called_as_it_was_started(capsys):
    with pytest.raises(SystemExit):
        command_line.run(fail_with(UserError("No.")), "python -m serving.client")
    assert capsys.readouterr().err == "python -m serving.client: error: No.\n"


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 faces"), (1, "1 face"), (2, "2 faces"), (1234, "1,234 faces")]
)
def test_numbers_come_with_their_plural(number, shown):
    assert command_line.counted(number, "face") == shown


def test_ctrl_c_has_status_130():
    assert exit_status(fail_with(KeyboardInterrupt())) == 130


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ValueError, match="a bug"):
        command_line.run(fail_with(ValueError("a bug")))


def test_the_status_of_main_is_passed_on():
    assert exit_status(lambda argv: 3) == 3
    assert exit_status(lambda argv: None) is None


def test_a_name_that_is_not_utf_8_is_printed_with_escapes(capsys):
    assert exit_status(lambda argv: print("Wrote caf\udce9.json")) is None
    assert capsys.readouterr().out == "Wrote caf\\udce9.json\n"


def test_a_reader_that_went_away_is_no_error():
    script = "import command_line\ncommand_line.run(lambda argv: print('x' * 10**6))"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.parametrize("buffering", ["", "1"])
@pytest.mark.parametrize("length", [1, 10**6])
def test_a_full_disk_behind_stdout_is_one_line(length, buffering):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full, which takes no bytes")
    script = f"import command_line\ncommand_line.run(lambda argv: print('x' * {length}), 'a.py')"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": buffering},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    reason = "The standard output cannot be written: No space left on device."
    assert (done.returncode, done.stderr) == (2, f"a.py: error: {reason}\n")


def test_another_refused_write_keeps_its_traceback():
    with pytest.raises(OSError, match="No space left"):
        command_line.run(fail_with(OSError(errno.ENOSPC, "No space left on device")))


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "predict.py", "export.py"])
def test_help_imports_nothing_heavy(script):
    # -X importtime names every imported module on stderr.
    done = subprocess.run(
        [sys.executable, "-X", "importtime", script, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "examples:" in done.stdout
    assert not re.search(r"\b(tensorflow|numpy)\b", done.stderr)


MISTAKES = {
    "train.py": (
        ["--model", "net8"],
        ["--model", "specialists", "--architecture", "net8"],
        ["--model", "net1", "--data", "no_data"],
        ["--model", "net1", "--init-from", "no_run"],
        ["--model", "net1", "--distill-from", "preset:none"],
        ["--model", "net1", "--resume"],
        ["--model", "net1", "--runs", "tests"],
    ),
    "evaluate.py": (["no_run"], ["preset:heatmap_s", "--data", "no_data"]),
    "predict.py": (["preset:none", "face.png"], ["preset:heatmap_s", "no_face.png"]),
    "export.py": (["no_run"], ["--preset", "none"]),
}


@pytest.mark.parametrize("script", MISTAKES)
def test_common_mistakes_are_told_before_tensorflow_starts(script, tmp_path):
    (tmp_path / "tests" / "net1").mkdir(parents=True)
    (tmp_path / "tests" / "net1" / "config.json").touch()
    told = (
        "import importlib, os, sys\n"
        "from errors import UserError\n"
        "module = importlib.import_module(sys.argv[1].removesuffix('.py'))\n"
        "sys.path.insert(0, os.getcwd())\n"
        "os.chdir(sys.argv[2])\n"
        "try:\n"
        "    module.main(sys.argv[3:])\n"
        "except UserError as error:\n"
        "    print(error, {'keras', 'tensorflow'} & set(sys.modules))"
    )
    for options in MISTAKES[script]:
        assert run_python(told, script, tmp_path, *options).endswith(" set()\n")


PATHS = (
    ("predict.py", "preset:heatmap_s", "PATH"),
    ("predict.py", "preset:heatmap_s", "@PATH"),
    ("predict.py", "PATH", FACE),
    ("predict.py", "preset:heatmap_s", FACE, "--out=PATH.parquet"),
    ("predict.py", "preset:heatmap_s", FACE, "--out=PATH.csv"),
    ("predict.py", "preset:heatmap_s", FACE, "--draw=PATH"),
    ("predict.py", "preset:heatmap_s", "--submission=PATH"),
    ("predict.py", "preset:heatmap_s", "--submission=s.csv", "--data=PATH"),
    ("train.py", "--model=net1", "--data=PATH"),
    ("train.py", "--model=net1", "--runs=PATH"),
    ("train.py", "--model=net1", "--init-from=PATH"),
    ("evaluate.py", "PATH"),
    ("evaluate.py", "preset:heatmap_s", "--report=PATH"),
    ("evaluate.py", "preset:heatmap_s", "--json=PATH"),
    ("export.py", "PATH"),
    ("export.py", "--preset=heatmap_s", "--out=PATH"),
)


@pytest.mark.parametrize("path", ["~nosuch/x", "x" * 300])
@pytest.mark.parametrize("command", PATHS, ids=" ".join)
def test_a_path_that_cannot_be_looked_at_is_one_line(command, path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script, *options = (each.replace("PATH", path) for each in command)
    assert run_script(importlib.import_module(script.removesuffix(".py")), *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert path in error
    assert re.search("cannot be opened: |cannot be written: ", error)


def test_a_folder_without_rights_is_told(tmp_path):
    """By its reason; root may look at everything, and so do these tests, where root runs them."""
    with (
        pytest.raises(UserError, match=f"{tmp_path} cannot be opened: Permission denied."),
        looking_at(tmp_path),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", tmp_path / "config.json")


@pytest.mark.parametrize(
    ("parse", "options", "names"),
    [
        (predict.parse_arguments, ("net", "a.png"), ("out", "draw")),
        (predict.parse_arguments, ("net",), ("submission",)),
        (training.arguments.parse_arguments, ("--model=net1",), ("runs",)),
        (evaluate.parse_arguments, ("net",), ("report", "json")),
        (export.parse_arguments, ("net",), ("out",)),
        (convert.parse_arguments, (), ("out",)),
    ],
)
def test_the_home_folder_is_found_where_no_shell_does(parse, options, names, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    arguments = parse([*options, *(f"--{name}=~/x" for name in names)])
    assert {str(vars(arguments)[name]) for name in names} == {"/home/me/x"}


@pytest.mark.parametrize(
    ("parse", "options", "names"),
    [
        (
            training.arguments.parse_arguments,
            ("--model=specialists",),
            "data architecture init-from distill-from recipe cluster name runs",
        ),
        (evaluate.parse_arguments, ("net",), "data labels-of report json"),
        (
            predict.parse_arguments,
            ("net", "a.png"),
            "preset data labels-of out draw submission cluster",
        ),
        (export.parse_arguments, ("net",), "preset data labels-of out"),
        (convert.parse_arguments, ("--out=x",), "data labeller out"),
        (demo.__main__.parse_arguments, (), "run server host"),
    ],
)
def test_an_unset_variable_is_not_taken_for_a_missing_option(parse, options, names, capsys):
    for name in names.split():
        with pytest.raises(SystemExit) as stop:
            parse([*options, f"--{name}="])
        assert stop.value.code == 2
        assert f"--{name}: must not be empty." in capsys.readouterr().err


@pytest.mark.parametrize("script", ["evaluate.py", "predict.py"])
def test_data_is_not_silently_replaced_by_the_next(script, capsys):
    main = importlib.import_module(script.removesuffix(".py")).main
    with pytest.raises(SystemExit) as stop:
        main(["run", "face.png", "--data", "a", "--data", "b"])
    assert stop.value.code == 2
    assert "--data is for one data set here; give it once." in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["train.py", "--list"], ["predict.py", "--preset", "heatmap_s", "FACE"]]
)
def test_scripts_load_only_what_they_use(arguments, tmp_path, monkeypatch):
    """Nor do TensorFlow and Keras, which would import these only because they are installed."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    face = tmp_path / "face.png"
    Image.new("L", (96, 96), 128).save(face)
    arguments = [face if argument == "FACE" else argument for argument in arguments]
    script = (
        "import importlib, sys\n"
        "importlib.import_module(sys.argv[1].removesuffix('.py')).main(sys.argv[2:])\n"
        "print(sorted({'matplotlib', 'pandas', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert run_python(script, *arguments).endswith("\n[]\n")


@pytest.mark.parametrize(
    "module",
    [
        "evaluation.metrics",
        "evaluation.submission",
        "pictures",
        "training.executors.worker_process",  # which start TensorFlow their way
        "training.executors.cluster_worker",
    ],
)
def test_numbers_pictures_and_workers_import_no_heavy_package(module):
    script = (
        "import importlib, sys\n"
        "importlib.import_module(sys.argv[1])\n"
        "print(sorted({'keras', 'matplotlib', 'scipy', 'tensorflow'} & set(sys.modules)))"
    )
    assert run_python(script, module) == "[]\n"
