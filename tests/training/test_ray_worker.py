"""What the processes of a training on a Ray cluster tell each other, without a cluster."""

import signal
import types

import pytest

from errors import LostProcessError
from training.arguments import parse_arguments
from training.run_state import RunState

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
from training import ray_worker  # noqa: E402


class Handle:
    """Stands for Ray's handle of an actor."""

    def __init__(self, actor):
        self.actor = actor

    def __getattr__(self, name):
        return types.SimpleNamespace(remote=getattr(self.actor, name))


@pytest.fixture
def state(monkeypatch):
    monkeypatch.setattr(ray, "get", lambda answer: answer)
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "10.0.0.1")
    monkeypatch.setattr(ray_worker, "_SECONDS_FOR_FIRST", 0.0)
    monkeypatch.setattr(ray_worker, "_SECONDS_FOR_OTHERS", 0.0)
    return Handle(RunState(most_attempts=3))


@pytest.fixture
def begin(state, tmp_path):
    """Begins an attempt to train; returns its options."""

    def begin(*options):
        arguments = parse_arguments(
            ["--model", "net1", "--cluster", "auto", "--machines", "2", *options]
        )
        address, own, _ = ray_worker._begin(arguments, str(tmp_path), state)
        assert address.startswith("10.0.0.1:")
        assert own.cluster is own.machines is None
        return own

    return begin


def write_run(folder):
    (folder / "runs" / "net1").mkdir(parents=True)
    (folder / "runs" / "net1" / "config.json").write_text("{}")


def test_another_attempt_resumes_what_the_first_one_began(begin, tmp_path):
    assert not begin().resume
    assert not begin().resume  # it had not come so far
    write_run(tmp_path)
    assert begin().resume


def test_a_run_to_resume_is_resumed_again(begin, tmp_path):
    write_run(tmp_path)
    assert [begin("--resume").resume for _ in range(2)] == [True, True]


def test_only_what_replaced_the_earlier_run_is_resumed(begin, tmp_path):
    write_run(tmp_path)
    for _ in range(2):  # the second time, the earlier run is still there, or back again
        own = begin("--overwrite")
        assert own.overwrite
        assert not own.resume
    (tmp_path / "runs" / "net1").rename(tmp_path / "runs" / ".old-net1")
    write_run(tmp_path)
    own = begin("--overwrite")
    assert own.resume
    assert not own.overwrite


def test_nothing_begins_once_it_has_ended(state, tmp_path):
    state.actor.end(0)
    assert ray_worker._begin(parse_arguments(["--model", "net1"]), str(tmp_path), state) is None


@pytest.mark.parametrize("status", [0, 1, 2, 130])
def test_how_the_first_process_ends_by_itself_is_how_the_training_ends(status, state):
    ray_worker._tell_end(status, "train.py: why", state, 0)
    assert state.actor.status() == status
    assert state.actor.lines_from(0) == ["train.py: why"]


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        (0, LostProcessError.status, "process 0 ended with status 75"),
        (0, -signal.SIGABRT, "process 0 ended with status -6"),
        (0, -signal.SIGKILL, "process 0 ended with status -9: train.py: why"),
        (1, -signal.SIGKILL, "process 1 ended with status -9: train.py: why"),
        (1, 1, "process 1 ended with status 1: train.py: why"),
    ],
)
def test_a_lost_process_is_an_error_for_ray_train(number, status, message, state):
    with pytest.raises(RuntimeError) as told:
        ray_worker._tell_end(status, "train.py: why", state, number)
    assert str(told.value) == message
    assert not state.actor.has_ended()


def test_a_mistake_that_another_process_alone_finds_ends_the_training(state):
    ray_worker._tell_end(2, "train.py: error: There is no /faces.", state, 1)
    assert state.actor.status() == 2
    assert state.actor.lines_from(0) == ["train.py: error: There is no /faces."]
    ray_worker._tell_end(LostProcessError.status, "a consequence", state, 0)
    assert state.actor.lines_from(1) == []


def test_others_end_with_the_first(state):
    state.actor.end(0)
    ray_worker._tell_end(-signal.SIGKILL, "", state, 1)


def test_what_was_stopped_before_it_could_save_is_interrupted(state):
    state.actor.stop()
    ray_worker._tell_end(-signal.SIGTERM, "", state, 0)
    assert state.actor.status() == 130


def test_a_loss_is_told_unless_it_was_the_last(state):
    for _ in range(3):
        state.actor.begin(None)
        state.actor.lose("process 1 ended with status -9")
    assert len(state.actor.lines_from(0)) == 2
    assert state.actor.loss() == "process 1 ended with status -9"
    assert not state.actor.has_ended()


def test_a_stop_that_nobody_can_follow_says_so(state):
    assert not state.actor.stop()
    state.actor.begin(None)
    assert state.actor.stop()
    state.actor.lose("its machine is gone")
    assert state.actor.status() == 130
    assert state.actor.lines_from(0) == []
