import pytest

import command_line
import tensorflow_start
from benchmarks import fuzz_files, fuzz_targets
from benchmarks.fuzz_mutations import Mutation
from benchmarks.fuzz_targets import Target


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tensorflow_start.start_quietly()
    folder = tmp_path_factory.mktemp("fuzz")
    fuzz_targets.write_files(folder)
    return folder


def test_damaged_files_are_read_or_refused_with_one_line(folder):
    reports = [list(fuzz_files.run_case(folder, seed=3, case=case))[-1] for case in range(60)]
    assert [report for report in reports if report["finding"]] == []
    assert any(report["status"] == 0 for report in reports)
    assert any(report["status"] == 2 for report in reports)


@pytest.mark.parametrize("target", fuzz_targets.TARGETS, ids=lambda target: target.file)
def test_an_undamaged_file_is_read(folder, target, capsys):
    # A target that is refused as it is would make every damage look rightly refused.
    with pytest.raises(SystemExit) as stop:
        command_line.run(lambda argv: target.main(folder), "command")
    assert (stop.value.code or 0, capsys.readouterr().err) == (0, "")


def test_a_case_is_the_same_every_time(folder):
    one, again = (list(fuzz_files.run_case(folder, seed=3, case=7)) for _ in range(2))
    assert one == again


LINE = "command: error: /tmp/training.csv, row 3 (line 4), column nose_tip_x: no\n"
PLACED = Mutation("cell", b"", valid=False, place="row 3 (line 4), column nose_tip_x")
MAYBE = Mutation("bytes", b"")


@pytest.mark.parametrize(
    ("status", "errors", "mutation", "finding"),
    [
        (0, "", MAYBE, ""),
        (2, LINE, PLACED, ""),
        (0, "", PLACED, "should have been refused"),
        (2, LINE, Mutation("none", b"", valid=True), "should have been read"),
        (2, LINE + "more\n", PLACED, "not one clear line"),
        (2, "", MAYBE, "not one clear line"),
        (2, LINE.replace("row 3", "row 4"), PLACED, "the message lacks 'row 3"),
        (2, "command: error: no\n", MAYBE, "the message lacks 'training.csv'"),
        (0, "a warning\n", MAYBE, "noise on stderr"),
    ],
)
def test_findings_by_hand(status, errors, mutation, finding):
    target = Target("training.csv", "table", lambda folder: None, 1.0, "training.csv")
    received = fuzz_files.judge(status, errors, mutation, target)
    assert finding in received
    assert bool(finding) == bool(received)


def test_a_bug_is_a_finding(folder, monkeypatch):
    def fail(folder):
        raise KeyError("a bug")

    target = Target("csv/test.csv", "table", fail, 1.0)
    monkeypatch.setattr(fuzz_targets, "TARGETS", (target,))
    before = (folder / target.file).read_bytes()
    report = list(fuzz_files.run_case(folder, seed=1, case=1))[-1]
    assert report["finding"].startswith("KeyError at ")
    assert "test_fuzz_files.py:" in report["finding"]
    assert (folder / target.file).read_bytes() == before
