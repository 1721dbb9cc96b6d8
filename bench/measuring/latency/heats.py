"""Heats: as many models as may have a process at once, timed in interleaved rounds around one canary."""

import contextlib
import functools
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.config.latency import LatencySettings, Runtime
from bench.measuring.latency.networks import CANARY, FORWARD, Plan, Series, TimedModel
from bench.measuring.latency.rounds import Canary, KeptRounds, Timing, samples_per_turn, take_rounds
from bench.measuring.latency.stopwatch import ANSWER_LIMIT_S, Stopwatch
from bench.processes.cores import usable_cores
from bench.processes.servant import Answer, Servant

PROCESSES = 8
"""Measuring processes alive at once, the canary's included."""

CANARY_TURN_S = 0.025


@dataclass(frozen=True)
class LatencyProgress:
    """What is told between timings: a line for whoever watches, if there is one.

    ``failed_model`` is a model that could not be measured; ``rounds_taken`` is told after each round.
    """

    message: str | None
    failed_model: str | None = None
    rounds_taken: int | None = None


OnProgress = Callable[[LatencyProgress], None]


@dataclass(frozen=True)
class Heats:
    """Times models with one number of threads, in as many heats as the limit of processes demands."""

    settings: LatencySettings
    threads: int
    on_progress: OnProgress

    def measure(self, models: Sequence[TimedModel]) -> Iterator[tuple[Timing, KeptRounds]]:
        """Yield the models that could be timed, in each runtime; the others are told to ``on_progress``.

        Raises:
            ProcessError: the canary died.
        """
        plans = [self._plan(model, runtime) for runtime in self.settings.runtimes for model in models]
        with contextlib.closing(self._process()) as process:
            # It loads beside the models of the first heat; the result waits until it is warm.
            loading = process.begin(Stopwatch.load, self._plan(CANARY, "torch"))
            canary = functools.cache(lambda: self._canary(process, loading))
            for first in range(0, len(plans), PROCESSES - 1):
                yield from self._heat(plans[first : first + PROCESSES - 1], canary)

    def _heat(self, plans: Sequence[Plan], canary: Callable[[], Canary]) -> Iterator[tuple[Timing, KeptRounds]]:
        names = ", ".join(dict.fromkeys(plan.timed.model for plan in plans))
        message = f"latency with {self.threads} thread{'s'[: self.threads > 1]}: {names}"
        self.on_progress(LatencyProgress(message))
        timings = [Timing(plan, self._process()) for plan in plans]
        settings, rounds_taken = self.settings, 0

        def round_taken(models: int) -> None:
            nonlocal rounds_taken
            rounds_taken += 1
            extra = rounds_taken - settings.rounds
            of_whom = "one model" if models == 1 else f"{models} models"
            disturbed = f"latency: the machine was disturbed; extra round {extra} for {of_whom}"
            self.on_progress(LatencyProgress(disturbed if extra > 0 else None, rounds_taken=rounds_taken))

        # Rounds are spread evenly over the starts; what one of them lacks, the next ones make up for.
        starts = min(settings.starts, settings.rounds)
        limit = math.ceil(settings.most_rounds / starts)
        with tempfile.TemporaryDirectory(prefix="bench-onnx-") as folder:
            self._export(timings, folder)
            for start in self._starts(timings, starts):
                ready = canary()
                for timing in _able(timings):
                    with timing.failing_alone():
                        self._warm_up(timing)
                undisturbed = math.ceil(settings.rounds * (start + 1) / starts)
                take_rounds(_able(timings), ready, undisturbed, limit, round_taken)
        for timing in timings:
            if timing.failure is None:
                yield timing, ready.kept_rounds(timing.rounds, settings.rounds)
            else:
                model = timing.plan.timed.model
                reason = f"latency of {model} in {timing.plan.runtime} cannot be measured: {timing.failure}"
                self.on_progress(LatencyProgress(reason, failed_model=model))

    def _starts(self, timings: Sequence[Timing], starts: int) -> Iterator[int]:
        """The number of each start, while its fresh processes are there.

        Where its memory happens to lie makes the same network some percent faster in one process than in the next.
        No round within a process can show that, so the rounds are spread over several. Loading is the slow part, and
        nothing is timed meanwhile: where cores allow, the processes of all starts load side by side.
        """
        processes = starts * len(timings)
        at_once = starts if processes < min(PROCESSES, usable_cores()) else 1
        for first in range(0, starts, at_once):
            with contextlib.ExitStack() as stack:
                loading = [self._loading(timings, stack) for _ in range(min(at_once, starts - first))]
                for number, begun in enumerate(loading):
                    for timing, process, loaded in begun:
                        timing.process = process
                        with timing.failing_alone():
                            loaded.wait()
                    yield first + number
                    for _, process, _ in begun:
                        process.close()

    def _loading(
        self, timings: Sequence[Timing], stack: contextlib.ExitStack
    ) -> list[tuple[Timing, Servant[Stopwatch], Answer[None]]]:
        """A fresh process for each network that has not failed, which loads it."""
        begun = []
        for timing in _able(timings):
            process = stack.enter_context(contextlib.closing(self._process()))
            with timing.failing_alone():
                begun.append((timing, process, process.begin(Stopwatch.load, timing.plan)))
        return begun

    def _export(self, timings: Sequence[Timing], folder: str) -> None:
        """Export what ONNX Runtime needs, in processes that end before anything is timed."""
        for number, timing in enumerate(timings):
            if timing.plan.runtime == "onnx":
                with contextlib.closing(self._process()) as exporter, timing.failing_alone():
                    files = exporter.begin(Stopwatch.export, timing.plan.timed, f"{folder}/{number}").wait()
                    timing.plan = replace(timing.plan, onnx_files=files)

    def _warm_up(self, timing: Timing) -> None:
        # Small batches first, and memory at once: a larger batch leaves the process fatter than it found it.
        ask = timing.process.begin
        for batch in sorted(self.settings.batches):
            for end_to_end in (False, True)[: 1 + self.settings.end_to_end]:
                series = Series(batch, end_to_end)
                warm_up = ask(Stopwatch.warm_up, series, self.settings.warm_up_limit_s).wait()
                timing.warm_ups.setdefault(series, []).append(warm_up)
                if series not in timing.samples_per_turn:
                    timing.memory_mb[series] = ask(Stopwatch.peak_memory_mb, series).wait()
                    timing.samples_per_turn[series] = samples_per_turn(warm_up.call_ms, self.settings.turn_s)

    def _canary(self, process: Servant[Stopwatch], loading: Answer[None]) -> Canary:
        loading.wait()
        warm_up = process.begin(Stopwatch.warm_up, FORWARD, self.settings.warm_up_limit_s).wait()
        return Canary(process, samples_per_turn(warm_up.call_ms, CANARY_TURN_S))

    def _process(self) -> Servant[Stopwatch]:
        return Servant(Stopwatch, self.threads, ANSWER_LIMIT_S)

    def _plan(self, timed: TimedModel, runtime: Runtime) -> Plan:
        memory_format = self.settings.memory_format if runtime != "onnx" else "contiguous"
        return Plan(timed, runtime, self.settings.device, memory_format, self.threads)


def _able(timings: Sequence[Timing]) -> list[Timing]:
    return [timing for timing in timings if timing.failure is None]
