import sqlite3
import uuid

import pytest

from benchmarks import mutations
from tests import ROOT
from tests.running import run_script


def session(path, number):
    """Writes what cosmic-ray keeps of its mutants: random ids, in any order."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE work_items (job_id)")
        database.execute(
            "CREATE TABLE mutation_specs (module_path, operator_name, operator_args, occurrence, "
            "start_pos_row, start_pos_col, job_id)"
        )
        database.execute("CREATE TABLE work_results (job_id, test_outcome, diff)")
        for line in range(number):
            job = uuid.uuid4().hex
            database.execute("INSERT INTO work_items VALUES (?)", [job])
            values = ["module.py", "operator", "{}", 0, line, 0, job]
            database.execute("INSERT INTO mutation_specs VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return path


def lines_left(path):
    with sqlite3.connect(path) as database:
        specs = database.execute("SELECT start_pos_row, job_id FROM mutation_specs").fetchall()
        items = database.execute("SELECT job_id FROM work_items").fetchall()
    assert {job for _, job in specs} == {job for (job,) in items}
    return sorted(line for line, _ in specs)


def test_the_seed_alone_decides_the_sample(tmp_path):
    samples = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        path = session(tmp_path / name, number=40)
        assert mutations.keep_sample(path, 10, seed) == 40
        samples.append(lines_left(path))
    assert len(samples[0]) == 10
    assert samples[0] == samples[1] != samples[2]


def test_a_sample_of_more_than_there_are_is_all_of_them(tmp_path):
    path = session(tmp_path / "session", number=4)
    mutations.keep_sample(path, 25, seed=1)
    assert lines_left(path) == [0, 1, 2, 3]


def test_what_the_tests_did_not_find_is_shown(tmp_path, capsys):
    path = session(tmp_path / "session", number=0)
    with sqlite3.connect(path) as database:
        rows = [("a", "KILLED", "- a\n+ b"), ("b", "SURVIVED", "- 1\n+ 2"), ("c", "KILLED", "")]
        database.executemany("INSERT INTO work_results VALUES (?, ?, ?)", rows)
    mutations.report(path, made=90)
    assert capsys.readouterr().out == "- 1\n+ 2\n\nFound 2 of 3 mutants, a sample of 90.\n"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a git checkout")
def test_the_copy_has_what_git_tracks_as_it_is_now(tmp_path):
    mutations.copy_tracked_files(tmp_path)
    for name in ("setup.cfg", "models/zoo.py", "tests/benchmarks/__init__.py"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()
    assert not (tmp_path / ".git").exists()


@pytest.mark.parametrize("path", ["no_such_module.py", "models/no_such_file.py"])
def test_an_unknown_module_is_a_mistake(path, capsys):
    assert run_script(mutations, path, "tests/test_mirror.py") == 2
    assert capsys.readouterr().err.endswith(f"The project has no {path}.\n")
