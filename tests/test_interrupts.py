"""Ctrl-C and SIGTERM raise, and are noted until somebody answers."""

import contextlib
import os
import signal

import pytest

import interrupts


@pytest.fixture(autouse=True)
def as_before():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    interrupts.forget()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_both_interrupt_and_are_noted(sent):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.take()
    interrupts.require_none()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), sent)
    with pytest.raises(KeyboardInterrupt):
        interrupts.require_none()
    interrupts.forget()
    interrupts.require_none()


def test_what_the_last_command_left_unanswered_does_not_count():
    with pytest.raises(KeyboardInterrupt):
        interrupts.interrupt(signal.SIGINT, None)
    interrupts.take()
    interrupts.require_none()


def test_ctrl_c_that_is_ignored_stays_so():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.take()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    os.kill(os.getpid(), signal.SIGINT)
    interrupts.require_none()


def interrupt_a_delayed_block(times):
    """Sends SIGTERM so often within a block that delays it; returns whether that ended."""
    signal.signal(signal.SIGTERM, interrupts.interrupt)
    ends = []

    def run():
        with interrupts.delayed():
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGTERM)
            ends.append("reached")

    with pytest.raises(KeyboardInterrupt) if times else contextlib.nullcontext():
        run()
    return bool(ends)


def test_one_before_does_not_count_within_the_block():
    with pytest.raises(KeyboardInterrupt):
        interrupts.interrupt(signal.SIGTERM, None)
    assert interrupt_a_delayed_block(times=0)
    assert interrupt_a_delayed_block(times=1)


def test_what_one_has_become_counts_as_one():
    def fail(signals):
        with interrupts.delayed():
            for _ in range(signals):
                with contextlib.suppress(KeyboardInterrupt):
                    os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError("as zipfile says")

    interrupts.take()
    with pytest.raises(KeyboardInterrupt):
        fail(signals=2)
    with pytest.raises(ValueError, match="as zipfile says"):
        fail(signals=0)


def test_one_waits_for_the_end_of_what_is_soon_done_and_two_do_not():
    assert interrupt_a_delayed_block(times=1)
    assert not interrupt_a_delayed_block(times=2)
    interrupts.forget()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
