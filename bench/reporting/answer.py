"""The answer in a few sentences: what a reader who reads nothing else should know."""

from collections.abc import Sequence

from bench.reporting.board_facts import BoardFacts, BoardRow
from bench.reporting.board_notes import weak_notes
from bench.reporting.number_text import format_count, interval_text

MOST_NAMES = 6


def answer_sentences(board: BoardFacts) -> list[str]:
    """Plain text, most important first; every number also stands in the tables."""
    networks = board.candidates
    if not networks:
        return ["No network has all its cells yet, so nothing is ranked.", *_failures(board)]
    best = min(networks, key=lambda row: row.rmse_px or 0.0)
    tied = [row for row in networks if row.leads and row is not best]
    floor_px = board.resolution_floor_px
    resolved = (
        f"Between two networks this run finds a difference of {floor_px or 0:.2f} px in four cases out of five, in the "
        "median over its pairs."
    )
    return [
        _leader(best),
        _ties(tied, [row for row in board.rows if not row.is_gate and row is not best]),
        *_raced(board),
        *_best_of_timm(networks, best),
        *_cheapest([best, *tied]),
        *_gates(board),
        *([] if floor_px is None else [resolved]),
        *weak_notes(board),
        *_failures(board),
    ]


def _leader(best: BoardRow) -> str:
    reach = f" (95 % interval {interval_text(best.interval_px)})" if best.interval_px else ""
    return f"{best.model} has the smallest error: {best.rmse_px or 0:.2f} px RMSE{reach}."


def _ties(tied: Sequence[BoardRow], others: Sequence[BoardRow]) -> str:
    if tied:
        return f"This run does not tell it apart from {_listed([row.model for row in tied])}."
    if not others:
        return "It is the only network."
    return f"No other network {'ties with it' if any(row.ranked for row in others) else 'has all folds'}."


def _raced(board: BoardFacts) -> list[str]:
    worse = [left.model for left in board.left_race if left.reason == "worse"]
    return [f"Found worse, and left out of the race early: {_listed(worse)}."] if worse else []


def _best_of_timm(networks: Sequence[BoardRow], best: BoardRow) -> list[str]:
    """Where it is not the best of all: whoever asks for timm's backbones asks which."""
    of_timm = [row for row in networks if row.of_timm]
    if not of_timm or best.of_timm:
        return []
    first = min(of_timm, key=lambda row: row.rmse_px or 0.0)
    return [f"The best of timm's backbones is {first.model}: {first.rmse_px or 0:.2f} px."]


def _cheapest(group: Sequence[BoardRow]) -> list[str]:
    """The fastest and the smallest of the best group: what a chooser asks next."""
    if len(group) < 2:
        return []
    fastest = min((row for row in group if row.p50_ms is not None), key=lambda row: row.p50_ms or 0, default=None)
    sized = (row for row in group if row.parameters is not None)
    smallest = min(sized, key=lambda row: row.parameters or 0, default=None)
    speed = f"the fastest ({fastest.p50_ms:.2f} ms)" if fastest else ""
    size = f"the one with the fewest parameters ({format_count(smallest.parameters)})" if smallest else ""
    if fastest and smallest and fastest is not smallest:
        return [f"Among these, {fastest.model} is {speed} and {smallest.model} {size}."]
    cheapest = fastest or smallest
    return [f"Among these, {cheapest.model} is {' and '.join(filter(None, (speed, size)))}."] if cheapest else []


def _gates(board: BoardFacts) -> list[str]:
    gates = [row for row in board.rows if row.is_gate and row.rmse_px is not None]
    if not gates:
        return []
    bar = min(gates, key=lambda row: row.rmse_px or 0.0)
    losers = [row.model for row in board.candidates if bar.model in row.loses_to]
    close = [row.model for row in board.candidates if {*row.letters} & {*bar.letters}]
    unsure = [f"This run does not tell {_listed(close)} from {bar.model}."] if close else []
    if not losers:
        beaten = "No network loses to" if close else "Every network beats"
        return [f"{beaten} the hardest gate, {bar.model} ({bar.rmse_px:.2f} px).", *unsure]
    verb = "loses" if len(losers) == 1 else "lose"
    lost = f"{_listed(losers)} {verb} to a method without any network: {bar.model} reaches {bar.rmse_px:.2f} px."
    return [lost, *unsure]


def _failures(board: BoardFacts) -> list[str]:
    if not board.failed:
        return []
    models = list(dict.fromkeys(each.model for each in board.failed))
    cells = "1 cell" if len(board.failed) == 1 else f"{len(board.failed)} cells"
    return [f"{cells} failed: {_listed(models)}."]


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
