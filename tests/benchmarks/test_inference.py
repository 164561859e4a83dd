"""benchmarks/inference.py: a row for each way to ask a net."""

import pytest

import data_pipeline
from benchmarks import inference
from errors import UserError
from tests import run_fixtures


def test_every_way_to_ask_specialists_is_measured(small_folder, tmp_path, monkeypatch, capsys):
    run = run_fixtures.write_specialists(tmp_path / "six", data_pipeline.load_faces(small_folder))
    monkeypatch.setattr(inference, "CALLS", {1: 2, 3: 2})
    inference.main([str(run)])
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert {len(row) for row in rows} == {9}
    assert [row[0].removeprefix(str(run)) for row in rows[2:]] == [
        "",
        ", --flip-average",
        ", six SavedModels in a row",
        ", eye_centers alone",
        ", six Keras predict() in a row",
    ]
    for _, *latencies, load, first, memory, disk in rows[2:6]:
        assert all(float(latency) > 0 for latency in latencies)
        assert load.endswith(" s")
        assert first.endswith(" s")
        assert memory.endswith(" MB")
        assert disk.endswith(" MB")
    assert all(float(latency) > 0 for latency in rows[6][1:5])
    assert rows[6][5:] == [""] * 4


def test_a_run_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist"):
        inference.main([str(tmp_path / "nowhere")])
