"""python -m benchmarks: one table, whose ratios are those of its speeds."""

import re

from benchmarks import __main__ as table
from benchmarks.turns import take_turns
from exporting import litert_format, onnx_format, openvino_format


def test_every_part_of_training_and_every_runtime_has_a_row(small_folder, monkeypatch, capsys):
    monkeypatch.setattr(table, "BATCHES", 1)
    monkeypatch.setattr(table, "INFERENCE", {1: 1, 3: 1})
    table.main(["--data", str(small_folder), "--net", "net1", "--rounds", "1"])
    machine, _, *lines = capsys.readouterr().out.splitlines()
    assert re.search(r"\d+ cores; Python [\d.]+, tensorflow [\d.]+, keras ", machine)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    names = [row[0] for row in rows]
    for part in ("matrix product", "net1 forward", "training step"):
        assert f"{part}, float32" in names
    assert {"input pipeline", "training loop"} <= set(names)
    runtimes = ["SavedModel", "SavedModel, one thread"]
    runtimes += ["ONNX Runtime"] * onnx_format.is_installed()
    runtimes += ["LiteRT"] * litert_format.is_installed()
    if openvino_format.is_installed():
        runtimes += ["OpenVINO"] + ["OpenVINO, bfloat16"] * openvino_format.has_bfloat16()
    assert [name for name in names if "batch" in name] == [
        f"{runtime}, batch {batch}" for batch in (1, 3) for runtime in runtimes
    ]
    speeds = {
        name: float(re.match(r"[\d,.]+", speed)[0].replace(",", "")) for name, speed, *_ in rows
    }
    compared = [row for row in rows if row[3]]
    assert len(compared) >= 4
    for name, speed, ratio, other in compared:
        if "images/s" in speed and "matrix" not in other:
            expected = speeds[name] / speeds[other]
            assert abs(float(ratio.split()[0]) - expected) <= 0.01 + 0.05 * expected


def test_ways_take_turns_and_each_follows_every_other():
    called = []
    ways = {name: lambda name=name: called.append(name) for name in "abc"}
    seconds = take_turns(ways, rounds=30)
    assert called[:6] == list("abcabc")
    rounds = ["".join(called[start : start + 3]) for start in range(6, 96, 3)]
    assert {"".join(sorted(order)) for order in rounds} == {"abc"}
    assert {order[:2] for order in rounds} == {"ab", "ac", "ba", "bc", "ca", "cb"}
    assert {name: values.shape for name, values in seconds.items()} == dict.fromkeys("abc", (30,))
