"""What must be said beside a board's numbers: the same sentences on page, terminal and in Markdown."""

from bench.comparing.race import LEVEL
from bench.faces.grouping import describe_groups
from bench.reporting.board_facts import BoardFacts
from bench.reporting.number_text import format_seconds, interval_text
from bench.scheme import SEED_SCHEME

WAYS = {"seeds": "training seeds", "folds": "folds", "people": "groups"}
"""What lowers the resolution floor, by its name in ``leaderboard.json``, in words that are right for any data."""


def warnings_of(board: BoardFacts) -> list[str]:
    """What a reader must know before the numbers: each a short sentence."""
    found = []
    if board.dataset.synthetic:
        found.append("synthetic faces: drawn by bench, not photographed")
    if not board.dataset.people_known:
        found.append("no groups given: errors and intervals are optimistic")
    if board.cells_contradicted:
        found.append(f"{board.cells_contradicted} cells came out otherwise when they were trained again: see the flags")
    if board.protocol.quick:
        found.append("quick run (one fold, few epochs): not comparable with any other result")
    return found


def data_text(board: BoardFacts) -> str:
    """``2,140 rows, 181 groups (column:person)``."""
    dataset = board.dataset
    return f"{dataset.rows:,} rows, {describe_groups(dataset.groups, dataset.grouping, dataset.people_known)}"


def seeds_text(board: BoardFacts) -> str:
    """``3 training seeds``, or ``up to 3 training seeds`` where rows differ."""
    seeds = board.protocol.seeds
    return f"{'up to ' if seed_notes(board) else ''}{seeds} training seed{'' if seeds == 1 else 's'}"


def folds_text(board: BoardFacts) -> str:
    """``5``, or ``1 of 5`` of a quick run."""
    return f"{'1 of ' if board.protocol.quick else ''}{board.protocol.folds}"


def reading_notes(board: BoardFacts) -> list[str]:
    """How to read the ranking: everything of this board that is not so everywhere."""
    return [
        *race_notes(board),
        *normaliser_notes(board),
        *letter_notes(board),
        *seed_notes(board),
        *precision_notes(board),
    ]


def race_notes(board: BoardFacts) -> list[str]:
    """What became of networks that a race dropped, and whose rows are not comparable with the ranked ones."""
    if not board.left_race:
        return []
    shown = {row.model for row in board.rows}
    never = [left.model for left in board.left_race if left.reason == "unpaid" and left.model not in shown]
    count = len(board.left_race)
    notes = [
        f"{count} network{'' if count == 1 else 's'} left a race early; for those that left as worse, "
        f"its tests allow for dropping the best one in {100 * LEVEL:g} % of races. Errors of fewer folds are not to be "
        "read against the others'; `bench compare` takes the folds that two have."
    ]
    if never:
        notes.append(f"Its budget paid for no fold of {', '.join(never)}.")
    return notes


def normaliser_notes(board: BoardFacts) -> list[str]:
    """What the NME is a share of, where it is not the distance of the eyes."""
    scheme = board.dataset.scheme
    if scheme.normaliser == SEED_SCHEME.normaliser:
        return []
    return [f"NME is the mean point distance over the {scheme.normaliser_words}."]


def seed_notes(board: BoardFacts) -> list[str]:
    """How many training seeds stand behind each candidate, where they differ."""
    counts = {row.model: row.seeds_done for row in board.candidates if row.kind == "network"}
    if len(set(counts.values())) < 2:
        return []
    listed = ", ".join(f"{model} {count}" for model, count in counts.items())
    return [f"Training seeds differ between rows: {listed}. Each pair is tested with all that both have."]


def letter_notes(board: BoardFacts) -> list[str]:
    """Why letters skip a rank, where they do: a model that varies more ties with one that a better model is behind."""
    skipping: dict[str, str] = {}
    for place, row in enumerate(board.ranked):
        told_apart = False
        for other in board.ranked[place + 1 :]:
            if not {*row.letters} & {*other.letters}:
                told_apart = True
            elif told_apart:
                skipping[other.model] = other.lettered
    if not skipping:
        return []
    named = ", ".join(f"{row.model} ({row.lettered})" for row in board.ranked if row.model in skipping)
    return [
        f"A letter can skip a rank: {named}. Such a model varies so much between trainings or folds that this run does "
        "not tell it from a better one, while a steadier model between the two is told apart."
    ]


def footnotes(board: BoardFacts) -> list[str]:
    """What lies under the folder and is not shown."""
    kinds = (
        ("Records under this folder with other data, folds or settings", board.unlike_records),
        ("Latency records of other machines", board.unlike_latencies),
    )
    return [*verified_notes(board), *(f"{what}, not shown: {count}." for what, count in kinds if count)]


def verified_notes(board: BoardFacts) -> list[str]:
    """How much of the board was trained again, by whoever held the records."""
    notes = []
    if board.cells_verified:
        notes.append(
            f"verified: {board.cells_verified} of {board.cells_recorded} cells were trained again and came out as "
            "recorded."
        )
    if board.cells_contradicted:
        notes.append(f"Trained again, {board.cells_contradicted} of {board.cells_recorded} cells came out otherwise.")
    return notes


def precision_notes(board: BoardFacts) -> list[str]:
    """How small a difference the run can see, and what would sharpen it, most effective first."""
    floor = board.comparison["resolution_floor"]
    if floor is None:
        return weak_notes(board)
    low, high = floor["range_px"]
    over = "" if floor["pairs"] == 1 else f" (median over {floor['pairs']} pairs: {low:.2f} to {high:.2f} px)"
    notes = [
        f"Between two networks this run would find a difference of {floor['difference_px']:.2f} px in four cases out "
        f"of five{over}; smaller ones may be missed."
    ]
    ways = [
        f"{way['to']} {WAYS[way['means']]} instead of {way['from']}: about {way['floor_px']:.2g} px "
        f"(95 %: {interval_text(way['interval_px'])}; +{format_seconds(way['extra_minutes'] * 60)} of training)"
        for way in floor["lowered_by"] or ()
    ]
    return [*notes, *([f"To resolve smaller differences: {'; '.join(ways)}."] if ways else []), *weak_notes(board)]


def weak_notes(board: BoardFacts) -> list[str]:
    """What one training seed leaves unknown."""
    if not board.weak_evidence:
        return []
    if board.protocol.quick:
        return ["One fold and one training seed say nothing about chance, so no network is told from another."]
    rows = "Some rows have one training seed" if board.protocol.seeds > 1 else "One training seed"
    return [
        f"{rows}: how much training itself varies is only estimated, and what more seeds, folds or groups would "
        "resolve cannot be forecast; `--seeds 3` measures it."
    ]
