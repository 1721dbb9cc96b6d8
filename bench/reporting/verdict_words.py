"""The comparison of two models as one paragraph, and as plain data."""

from dataclasses import asdict
from math import isfinite, isnan
from typing import Any

from bench.comparing.pair_tests import SIGNIFICANCE, PairTest
from bench.comparing.verdict import Verdict
from bench.reporting.number_text import probability_text


def verdict_words(verdict: Verdict) -> str:
    """Which is better, by how much, with what certainty, at which keypoints."""
    sentences = (_headline(verdict), _trained_sentence(verdict), _keypoint_sentence(verdict), _tail_sentence(verdict))
    return " ".join(sentences)


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """What ``bench compare --json`` prints."""
    pair = verdict.pair
    names = (pair.a, pair.b)
    return {
        **asdict(pair),
        "standard_error_px": None if isnan(pair.standard_error_px) else pair.standard_error_px,
        "interval_px": None if isnan(pair.standard_error_px) else pair.interval_px,
        "degrees": None if isnan(pair.degrees) else pair.degrees,
        "rmse_px": dict(zip(names, verdict.rmse_px, strict=True)),
        "pairs": verdict.pairs,
        "floor_px": pair.floor_px if isfinite(pair.floor_px) else None,
        "trained_models": asdict(verdict.trained),
        "keypoints": [
            {"keypoint": one.keypoint, "rmse_px": one.rmse_px, "better": one.winner, "p_holm": min(one.p.values())}
            for one in verdict.keypoints
        ],
        "worst_5_percent_rmse_px": {model: tail.rmse_px for model, tail in zip(names, verdict.tails, strict=True)},
        "text": verdict_words(verdict),
    }


def _headline(verdict: Verdict) -> str:
    pair = verdict.pair
    # Pairs stand in ranked order: a is the one of lower error.
    low, high = sorted(-bound for bound in pair.interval_px)
    size = f"{abs(pair.difference_px):.3f} px"
    by = " by the folds and seeds that both have" if verdict.of_what_both_have else ""
    errors = f"{verdict.rmse_px[0]:.3f} against {verdict.rmse_px[1]:.3f} px RMSE{by}"
    if isnan(pair.standard_error_px):
        silent = "one fold and one seed say nothing about chance"
        return f"{pair.a} came out {size} better than {pair.b} ({errors}), but {silent}."
    certainty = f"95 % interval {low:.3f} to {high:.3f} px; {_p(pair.p_holm)}" + (
        f" after Holm's correction for {verdict.pairs} pairs" if verdict.pairs > 1 else ""
    )
    noun = "predictor" if verdict.with_gate else "architecture"
    weak = " One training seed: the evidence is weak." if pair.weak else ""
    if pair.better is not None:
        return f"{pair.better} is the better {noun} by {size} ({errors}; {certainty}).{weak}" + _floor_sentence(pair)
    text = f"{pair.a} and {pair.b} are not told apart: {size} ({errors}; {certainty})."
    if pair.p <= SIGNIFICANCE:
        text += " Asked alone the pair would count as different; among so many it does not."
    return text + weak + _floor_sentence(pair)


def _floor_sentence(pair: PairTest) -> str:
    if not isfinite(pair.floor_px):
        return ""
    return f" Between these two this run finds a difference of {pair.floor_px:.3f} px in four cases out of five."


def _trained_sentence(verdict: Verdict) -> str:
    pair, trained = verdict.pair, verdict.trained
    if trained.p > SIGNIFICANCE:
        # Without the interval: it comes from a bootstrap, and with few groups the two need not agree.
        return f"The models as trained here are not told apart over other groups ({_p(trained.p)})."
    better, sign = (pair.a, -1) if trained.difference_px < 0 else (pair.b, 1)
    low, high = sorted(sign * bound for bound in trained.interval_px)
    scope = f"({low:.3f} to {high:.3f} px over other groups; {_p(trained.p)})"
    return f"As trained here, {better} is the better model {scope}."


def _keypoint_sentence(verdict: Verdict) -> str:
    wins: dict[str, list[tuple[float, str]]] = {verdict.pair.a: [], verdict.pair.b: []}
    for result in verdict.keypoints:
        if result.winner is not None:
            other = next(model for model in result.rmse_px if model != result.winner)
            wins[result.winner].append((result.rmse_px[other] - result.rmse_px[result.winner], result.keypoint))
    sentences = [_wins_sentence(model, found, len(verdict.keypoints)) for model, found in wins.items() if found]
    return " ".join(sentences) if sentences else "No single keypoint tells them apart."


def _wins_sentence(model: str, found: list[tuple[float, str]], keypoints: int) -> str:
    if len(found) == keypoints:
        (least, _), (most, where) = min(found), max(found)
        return f"{model} is better at all {keypoints} keypoints, by {least:.2f} to {most:.2f} px (most at {where})."
    listed = ", ".join(f"{keypoint} ({gain:.2f} px)" for gain, keypoint in found)
    return f"{model} is better at {len(found)} of {keypoints} keypoints: {listed}."


def _tail_sentence(verdict: Verdict) -> str:
    a, b = verdict.tails
    return f"On their worst 5 % of rows: {verdict.pair.a} {a.rmse_px:.2f} px, {verdict.pair.b} {b.rmse_px:.2f} px."


def _p(value: float) -> str:
    return f"p {probability_text(value, '= ')}"
