"""``bench verify``: whether to believe a board, by its seals, its data, and trainings of some of its cells again."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.asking.repeating import Repeatable, compared, flattery, hindrance, repeat
from bench.comparing.selection import Selection, select
from bench.config.settings import RunSettings
from bench.errors import ConfigError, DataError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.folds import assign_folds, folds_digest
from bench.faces.grouping import AUTO, NONE
from bench.faces.loading import load_faces
from bench.measuring.environment import describe_environment
from bench.records.schema import CellRecord, DatasetFacts, Verdict, Verification
from bench.records.soundness import Soundness, check
from bench.records.store import RecordStore
from bench.reporting.board_facts import BoardFacts
from bench.reporting.face_lookup import find_source
from bench.reporting.material import collect
from bench.running.run import choose_workers
from bench.running.task import FoldOutcome

REPEATED: dict[Verdict, str] = {
    "same bits": "came to the same bits",
    "near": "came as near as on another kind of machine",
    "otherwise": "came out otherwise",
}

OnRepeated = Callable[[CellRecord, Verification | None, str], None]


@dataclass(frozen=True)
class Asked:
    """What is to be verified, and with what.

    Attributes:
        out: the results folder.
        data: the faces; None = the results' own file, where it stands.
        groups: who is in each row, as ``--groups``; None = as the records tell, where the data hold it.
        model, fold: which cells; None = any.
        every: all of them, not one at random.
    """

    out: Path
    data: Path | None = None
    groups: str | None = None
    model: str | None = None
    fold: int | None = None
    every: bool = False


@dataclass
class Answer:
    """What was found.

    Attributes:
        soundness: of every file.
        against: reasons not to believe the board, worst first.
        unchecked: what was not looked at, and why.
        cells: how many trained cells stand on the board.
        drawn_from: of how many the one was drawn that was trained again; 0 where all that could were.
        repeated: those that were trained again now.
        telling: how many of these are networks', or gates' where no network was asked about.
        hindered: by reason, how many could not be.
    """

    soundness: Soundness
    against: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    cells: int = 0
    drawn_from: int = 0
    repeated: list[Verification] = field(default_factory=list)
    telling: int = 0
    hindered: Counter[str] = field(default_factory=Counter)

    @property
    def believed(self) -> bool | None:
        """None where nothing speaks against the board, but no cell could be trained again."""
        return False if self.against else True if self.telling else None

    @property
    def text(self) -> str:
        """One line."""
        if self.against:
            more = f" (and {len(self.against) - 1} more)" if len(self.against) > 1 else ""
            return f"do not believe it: {self.against[0]}{more}"
        sound = f"{self.soundness.sound.total()} files are sound"
        hindered = [f"{count} cells cannot be trained again here: {reason}" for reason, count in self.hindered.items()]
        if not self.telling:
            return f"cannot tell: {'; '.join([sound, *hindered])}"
        counts = Counter(found.verdict for found in self.repeated)
        came = " and ".join(f"{count} {REPEATED[verdict]}" for verdict, count in counts.items())
        parts = [f"{sound}, and of {self.cells} cells {came} when trained again"]
        if self.drawn_from > 1:
            parts.append(f"a false one among the {self.drawn_from} it was drawn from would be found 1 time in as many")
        return f"believe it: {'; '.join([*parts, *hindered, *self.unchecked])}"


def verify(asked: Asked, workers: int | str, on_repeated: OnRepeated) -> Answer:
    """Check all seals, compare labels and folds with the data, and train cells again; what came of each is recorded.

    Args:
        asked: see there.
        workers: a number, or ``auto``.
        on_repeated: hears of each cell, its verification, or None and why there is none.

    Raises:
        ConfigError: no such cell.
        DataError: the data cannot be used, or are not those of the results.
        RecordError: there are no results, or what was found cannot be recorded.
    """
    store = RecordStore(asked.out)
    answer = Answer(check(store.files))
    damaged = answer.soundness.troubles.get("damaged", [])
    if damaged:
        answer.against.append(f"{len(damaged)} damaged {'file' if len(damaged) == 1 else 'files'}, {damaged[0]}")
    selection = select(store)
    dataset = selection.latest.dataset
    source, faces = _faces(dataset, asked)
    means = _means(store, selection, source, faces, answer)
    _compare_folds(asked, selection, source, means, answer)
    _compare_board(asked.out, collect(store).facts, answer)
    recorded = [cell for entry in selection.entries.values() for cell in entry.cells if store.damage(cell) is None]
    answer.cells = len(recorded)
    wanted = _wanted(asked, recorded)
    of_networks = {cell.key for cell in wanted if cell.kind == "network"}
    chosen = _chosen(asked, wanted, answer)

    def ended(cell: CellRecord, outcome: FoldOutcome, kernels: str) -> None:
        if outcome.predictions is None:
            reason = f"{outcome.cause}: {outcome.reason}"
            answer.hindered[reason] += 1
            on_repeated(cell, None, reason)
            return
        found = compared(cell, store.predictions(cell)[1], outcome.predictions, means, kernels)
        store.write_verification(found)
        answer.repeated.append(found)
        answer.telling += cell.key in of_networks or not of_networks
        if found.verdict == "otherwise":
            answer.against.append(otherwise_words(found))
        on_repeated(cell, found, "")

    if chosen:
        run = RunSettings.model_validate({"workers": workers})
        repeat(chosen, means, choose_workers(run, len(chosen), chosen[0].variant.device), ended)
        _compare_scores([found for found in answer.repeated if found.key in of_networks], answer)
    return answer


def otherwise_words(found: Verification) -> str:
    """``plain_cnn, fold 0, seed 0: 1 coordinate is up to 12.3 px from what training gives``."""
    count = f"{found.differing:,} coordinate{' is' if found.differing == 1 else 's are'}"
    due = ", where the same bits are due" if found.like else ", more than between kinds of machines"
    place = f"{found.model}, fold {found.fold}, seed {found.seed}"
    return f"{place}: {count} up to {found.largest_px:.3g} px from what training gives{due}"


def _faces(dataset: DatasetFacts, asked: Asked) -> tuple[FaceSource, FaceSet]:
    found = find_source(dataset, asked.data)
    if found is None:
        raise DataError(f"--data: {dataset.name}, from which the results were made, is not here; name the file")
    source, faces = found
    if faces.fingerprint != dataset.fingerprint:
        raise DataError(
            f"{faces.name}: fingerprint {faces.fingerprint}, but the results were made from "
            f"{dataset.name} with fingerprint {dataset.fingerprint}; give that file to --data"
        )
    return source, faces


def _means(store: RecordStore, selection: Selection, source: FaceSource, faces: FaceSet, answer: Answer) -> Repeatable:
    keypoints, _, fold_of_row = store.truth(selection.protocol_name)
    if keypoints.tobytes() != faces.keypoints.tobytes():
        answer.against.append(f"the labels that it is scored by are not those of {faces.name}")
    if folds_digest(fold_of_row) != selection.latest.protocol.folds_digest:
        answer.against.append("the folds are not those that the records name")
    environment = describe_environment()
    return Repeatable(source, faces.keypoints, fold_of_row, environment)


def _compare_folds(asked: Asked, selection: Selection, source: FaceSource, means: Repeatable, answer: Answer) -> None:
    """Folds made anew from who is in each row: others could have people on both sides of a split."""
    dataset, protocol = selection.latest.dataset, selection.latest.protocol
    way, _, name = dataset.grouping.partition(":")
    told = {"column": name, "file": None, NONE: NONE}.get(way, AUTO)
    groups = asked.groups or told
    if groups is None:
        answer.unchecked.append(f"that folds keep people whole was not checked: --groups {name} does")
        return
    faces = load_faces(FaceSource(source.data, groups, source.settings, source.stored))
    if not np.array_equal(assign_folds(faces, protocol.folds, protocol.seed), means.fold_of_row):
        answer.against.append(f"its folds are not those that groups of {groups} give")


def _compare_board(out: Path, board: BoardFacts, answer: Answer) -> None:
    """A leaderboard.json that stands there says what the records say: ranks and errors."""
    try:
        document = json.loads((out / "leaderboard.json").read_bytes())
        stands = {row["model"]: (row["rank"], row["rmse_px"]) for row in document["rows"]}
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError):
        answer.against.append("leaderboard.json is no leaderboard; `bench report` makes it again")
        return
    derived = {row.model: (row.rank, row.rmse_px) for row in board.rows}
    wrong = [model for model in {**derived, **stands} if stands.get(model) != derived.get(model)]
    if wrong:
        answer.against.append(f"leaderboard.json says of {wrong[0]} what its records do not; `bench report` mends it")


def _compare_scores(found: Sequence[Verification], answer: Answer) -> None:
    """Many cells that are each near enough, but all better than training makes them, are no chance."""
    share = flattery(found)
    if share is not None:
        answer.against.append(
            f"its networks score {100 * share:.1f} % better than {len(found)} trainings again: more than between kinds "
            "of machines"
        )


def _wanted(asked: Asked, recorded: Sequence[CellRecord]) -> list[CellRecord]:
    """The cells that are asked about."""
    wanted = [cell for cell in recorded if asked.model in (None, cell.model) and asked.fold in (None, cell.fold)]
    if not wanted:
        models = ", ".join(dict.fromkeys(cell.model for cell in recorded)) or "none"
        named = [f"--model {asked.model}"] * bool(asked.model) + [f"--fold {asked.fold}"] * (asked.fold is not None)
        raise ConfigError(f"{' '.join(named) or asked.out}: no sound cell on the board is that; its models: {models}")
    return wanted


def _chosen(asked: Asked, wanted: Sequence[CellRecord], answer: Answer) -> list[CellRecord]:
    """The cells to train again: all, or one that nobody could foresee, of a network where there is one."""
    networks = [cell for cell in wanted if cell.kind == "network"]
    able = []
    for cell in wanted if asked.every or not networks else networks:
        reason = hindrance(cell)
        if reason is None:
            able.append(cell)
        else:
            answer.hindered[reason] += 1
    if asked.every or not able:
        return able
    answer.drawn_from = len(able)
    return [random.SystemRandom().choice(able)]
