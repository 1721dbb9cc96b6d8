"""What a person sees of a search, while it goes on and afterwards."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bench.cli.console import Screen
from bench.records.studies import StudyFacts
from bench.records.tuned import TunedParameters
from bench.reporting.number_text import format_seconds
from bench.tuning import announcements


class TuneDisplay:
    """Listens to a search's events and says each in a line."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._started = time.monotonic()

    def __call__(self, event: announcements.TuningEvent) -> None:
        """Show one event."""
        match event:
            case announcements.SearchEstimated():
                self._estimated(event)
            case announcements.SearchBegan():
                self._screen.note(
                    f"{event.model}, outer fold {event.outer_fold}: study '{event.study}'"
                    + (f", {event.finished} trials already" if event.finished else "")
                )
            case announcements.TrialEnded():
                self._trial_ended(event)
            case announcements.Comparing(model, outer_folds):
                folds = f"outer fold{'s' * (len(outer_folds) > 1)} {', '.join(map(str, outer_folds))}"
                self._screen.note(f"{model}: training default and best in full for {folds}")
            case announcements.ComparisonFailed(model, outer_fold, reason):
                self._screen.warn(f"{model}, outer fold {outer_fold}: the comparison failed: {reason}")
            case announcements.Found(tuned):
                self._found(tuned)

    def _estimated(self, event: announcements.SearchEstimated) -> None:
        each = ", ".join(f"{model} {format_seconds(seconds)}" for model, seconds in event.trial_seconds.items())
        full = ", ".join(f"{model} {format_seconds(seconds)}" for model, seconds in event.training_seconds.items())
        self._screen.note(
            f"estimate: {format_seconds(event.total_seconds)} for all at most "
            f"(one complete trial: {each}; one training in full: {full})"
        )

    def _trial_ended(self, event: announcements.TrialEnded) -> None:
        result = event.result
        value = f" {result.value:.3f} px" if result.value is not None else ""
        reason = f": {result.reason}" if result.reason is not None else ""
        line = f"[{event.finished} done, {format_seconds(time.monotonic() - self._started)}] "
        line += f"trial {event.number} {result.state}{value}{reason}"
        if result.state == "failed":
            self._screen.warn(line)
        else:
            self._screen.note(line)

    def _found(self, tuned: TunedParameters) -> None:
        for fold in tuned.folds:
            if fold.optimism_gap_px is not None:
                self._screen.note(
                    f"{tuned.model}, outer fold {fold.outer_fold}: optimism gap {fold.optimism_gap_px:+.3f} px "
                    "(gain on the inner folds less gain on the outer fold)"
                )


def show_studies(screen: Screen, studies: Sequence[StudyFacts]) -> None:
    """Print every study: its trials, its best parameters, time spent and saved."""
    for study in studies:
        rows = [
            [
                str(trial.number),
                trial.state + (" (defaults)" if trial.is_default else ""),
                f"{trial.value:.3f}" if trial.value is not None else "",
                format_seconds(trial.seconds) if trial.seconds is not None else "",
                trial.reason or "",
            ]
            for trial in study.trials
        ]
        screen.table(study.name, ["trial", "state", "RMSE px", "time", "reason"], rows, text_columns=2)
        if study.best is not None:
            screen.say(f"best: trial {study.best.number}, {study.best.value:.3f} px: {_words(study.best.params)}")
        screen.say(
            f"{study.folds_trained} of {len(study.counted) * study.inner_folds} inner folds trained, "
            f"{format_seconds(study.seconds)} spent, about {format_seconds(study.saved_seconds)} saved by pruning"
        )


def _words(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}" for name, value in params.items()
    )
