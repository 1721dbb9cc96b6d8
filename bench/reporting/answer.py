"""The answer in a few sentences: what a reader who reads nothing else should know."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.reporting.markdown import format_count, weak_note
from bench.reporting.subjects import Subject

MOST_NAMES = 6

Document = Mapping[str, Any]


def summary_sentences(document: Document, subjects: Sequence[Subject]) -> list[str]:
    """Plain text, most important first; every number also stands in the tables."""
    networks = [each for each in subjects if each.ranked and not each.is_gate]
    if not networks:
        return ["No network has all its cells yet, so nothing is ranked.", *_failures(document)]
    best = min(networks, key=lambda each: each.rmse_px or 0.0)
    tied = [each for each in networks if each.leads and each is not best]
    return [
        _leader(best),
        _ties(tied, len(networks)),
        *_cheapest([best, *tied]),
        *_gates(subjects, networks),
        *_resolution(document),
        *_failures(document),
    ]


def _leader(best: Subject) -> str:
    interval = best.interval_px
    reach = f" (95 % interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return f"{best.name} has the smallest error: {best.rmse_px:.2f} px RMSE{reach}."


def _ties(tied: Sequence[Subject], networks: int) -> str:
    if tied:
        return f"This run does not tell it apart from {_listed([each.name for each in tied])}."
    return "It is the only network." if networks == 1 else "No other network ties with it."


def _cheapest(group: Sequence[Subject]) -> list[str]:
    """The fastest and the smallest of the best group: what a chooser asks next."""
    if len(group) < 2:
        return []
    timed = [(each.latency_p50_ms, each) for each in group if each.latency_p50_ms is not None]
    sized = [(each.row["parameters"], each) for each in group if each.row["parameters"] is not None]
    fastest = min(timed, key=lambda pair: pair[0], default=None)
    smallest = min(sized, key=lambda pair: pair[0], default=None)
    speed = f"the fastest ({fastest[0]:.2f} ms)" if fastest else ""
    size = f"the one with the fewest parameters ({format_count(smallest[0])})" if smallest else ""
    if fastest and smallest and fastest[1] is not smallest[1]:
        return [f"Among these, {fastest[1].name} is {speed} and {smallest[1].name} {size}."]
    cheapest = fastest or smallest
    words = " and ".join(filter(None, (speed, size)))
    return [f"Among these, {cheapest[1].name} is {words}."] if cheapest else []


def _gates(subjects: Sequence[Subject], networks: Sequence[Subject]) -> list[str]:
    gates = [each for each in subjects if each.is_gate and each.rmse_px is not None]
    if not gates:
        return []
    bar = min(gates, key=lambda each: each.rmse_px or 0.0)
    losers = [each.name for each in networks if (each.rmse_px or 0.0) >= (bar.rmse_px or 0.0)]
    if not losers:
        return [f"Every network beats the hardest gate, {bar.name} ({bar.rmse_px:.2f} px)."]
    verb = "loses" if len(losers) == 1 else "lose"
    return [f"{_listed(losers)} {verb} to a method without any network: {bar.name} reaches {bar.rmse_px:.2f} px."]


def _resolution(document: Document) -> list[str]:
    floor = document["resolution_floor_px"]
    found = [] if floor is None else [f"This run finds a difference of {floor:.2f} px in four cases out of five."]
    if document["weak_evidence"]:
        found.append(weak_note(document))
    return found


def _failures(document: Document) -> list[str]:
    failed = document["failed"]
    if not failed:
        return []
    models = list(dict.fromkeys(each["model"] for each in failed))
    cells = "1 cell" if len(failed) == 1 else f"{len(failed)} cells"
    return [f"{cells} failed: {_listed(models)}."]


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
