"""Jobs side by side end together."""

import os
import signal
import threading
import time

import pytest

from bench.processes.side_by_side import Waiting, side_by_side


@pytest.mark.usefixtures("ctrl_c_heeded")
def test_ctrl_c_waits_until_every_job_has_told_what_it_must() -> None:
    stop, told = threading.Event(), []

    def job() -> None:
        stop.wait(30)
        time.sleep(0.5)  # the writing that must not be torn
        told.append(True)

    threading.Timer(0.25, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        side_by_side([job, job, job], stop)
    assert told == [True] * 3


def test_an_error_ends_the_others_and_comes_out() -> None:
    stop, ended = threading.Event(), []

    def fails() -> None:
        raise ValueError("no more")

    def heeds() -> None:
        assert stop.wait(30)
        ended.append(True)

    with pytest.raises(ValueError, match="no more"):
        side_by_side([heeds, fails], stop)
    assert ended == [True]


def test_no_jobs_end_at_once() -> None:
    stop = threading.Event()
    side_by_side([], stop)
    assert stop.is_set()


def test_what_waits_is_taken_once_and_the_rest_is_left_when_stopped() -> None:
    stop = threading.Event()
    taken: list[int] = []
    waiting = Waiting(range(100), stop)

    def job() -> None:
        for number in waiting:
            taken.append(number)
            if number == 49:
                stop.set()

    side_by_side([job, job], stop)
    assert sorted(taken) == list(range(len(taken)))
    assert 50 <= len(taken) <= 51


def test_what_is_liked_is_taken_first() -> None:
    taken: list[str] = []
    taken.extend(Waiting("abcabca", threading.Event()).preferring(lambda letter: taken[-1:] == [letter]))
    assert "".join(taken) == "aaabbcc"
