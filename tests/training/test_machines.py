"""What each of several processes makes of the options; `test_devices` trains with two of them."""

import pytest

from errors import UserError
from training import distribution, machines, plan
from training.arguments import parse_arguments


@pytest.fixture
def options_of_another(monkeypatch, tmp_path):
    """Returns the options of a process that is not the first, which has refused nothing."""
    monkeypatch.setattr(machines, "_is_first", lambda: False)
    monkeypatch.setattr(distribution, "is_so_in_first_process", lambda fact: False)

    def options(*given):
        arguments = parse_arguments(["--model", "net7", "--runs", str(tmp_path / "runs"), *given])
        return machines._options_of_this_process(arguments, tmp_path / "own")

    return options


@pytest.mark.parametrize("name", ["net7", "experiments/net7"])
def test_another_process_resumes_a_copy_of_the_run_whatever_its_name(
    options_of_another, tmp_path, name
):
    run = tmp_path / "runs" / name
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    copy = plan.run_of(options_of_another("--name", name, "--resume"))
    assert copy.path.is_relative_to(tmp_path / "own")
    assert copy.config_file.read_text() == "{}"


def test_another_process_never_writes_into_the_run_folder(options_of_another, tmp_path):
    absolute = str(tmp_path / "runs" / "net7")
    for given in ((), ("--name", "experiments/net7"), ("--name", absolute)):
        assert plan.run_of(options_of_another(*given)).path.is_relative_to(tmp_path / "own")


def test_a_run_that_is_not_on_this_machine_is_told(options_of_another):
    with pytest.raises(UserError, match="runs/net7 on all machines; it is not on this one"):
        options_of_another("--resume")
