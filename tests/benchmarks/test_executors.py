"""benchmarks/executors.py and benchmarks/processor_time.py: what they sample and show."""

import sys

import pytest

from benchmarks import executors, processor_time
from benchmarks.processor_time import Times
from errors import FailedError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

BUSY = """
import multiprocessing, os, time

def work():
    while time.process_time() < float(os.environ["BUSY_SECONDS"]):
        pass
    time.sleep(1)  # so that it is sampled once more

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
"""


def test_time_of_a_spawned_process_is_a_trainer_s(tmp_path):
    (tmp_path / "busy.py").write_text(BUSY)
    environment = {"BUSY_SECONDS": "0.8"}
    times = processor_time.measure([sys.executable, "busy.py"], tmp_path, environment)
    assert 0.7 < times.trainers < 1.2
    assert times.command < times.trainers
    assert times.wall_clock > times.trainers + 0.9
    assert times.processor == times.command + times.trainers + times.others


def test_a_failed_command_is_named(tmp_path):
    with pytest.raises(FailedError, match="-c 'exit\\(3\\)'` ended with status 3"):
        processor_time.measure([sys.executable, "-c", "exit(3)"], tmp_path, {})


def test_each_training_is_shown_without_its_start(capsys):
    whole = {way: [Times(50, 10, 20, 0), Times(70, 20, 40, 0)] for way in executors.WAYS}
    start = {way: [Times(9, 3, 12, 0)] for way in executors.WAYS}
    whole[executors.RAY] = [Times(80, 1, 80, 9)]
    executors.print_table(whole, start)
    shown = capsys.readouterr().out
    # (45 - 15) / 6 and (90 - 15) / 6
    for row in (
        "| one after another | 60.0 s | 15.0 s | 30.0 s |  | 45.0 s | 1.00 | 5.0 s | 1.00 |",
        "two cores | 80.0 s | 1.0 s | 80.0 s | 9.0 s | 90.0 s | 2.00 | 12.5 s | 2.50 |",
    ):
        assert row in shown


@pytest.mark.parametrize("options", [("--epochs", "1"), ("--faces", "9"), ("--jobs", "2")])
def test_wrong_options_are_refused(options):
    with pytest.raises(SystemExit) as stop:
        executors.parse_arguments(options)
    assert stop.value.code == 2
