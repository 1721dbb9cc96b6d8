"""Scales, round values, labels that keep apart, and text that cannot become markup."""

from itertools import pairwise
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reporting.drawing import Scale, markup, number, padded, picture, put, shortened, spaced_apart
from bench.reporting.number_text import letter_text

sizes = st.floats(1e-3, 1e6)


@given(low=sizes, factor=st.floats(1.05, 1e4), log=st.booleans())
def test_ticks_lie_inside_rise_and_are_few(low: float, factor: float, log: bool) -> None:
    scale = Scale(low, low * factor, 0, 100, log)
    ticks = scale.ticks(5)
    assert 1 <= len(ticks) <= 11
    assert ticks == sorted(set(ticks))
    assert all(-0.5 <= scale(tick) <= 100.5 for tick in ticks)


def test_ticks_are_round() -> None:
    assert Scale(1.62, 2.48, 0, 1).ticks(5) == [1.8, 2.0, 2.2, 2.4]
    assert Scale(0, 100, 0, 1).ticks(5) == [0, 20, 40, 60, 80, 100]
    assert Scale(0.9, 30, 0, 1, log=True).ticks(5) == [1, 2, 5, 10, 20]


@given(low=sizes, factor=st.floats(1.05, 1e4), share=st.floats(0, 1), log=st.booleans())
def test_a_scale_keeps_order_and_ends(low: float, factor: float, share: float, log: bool) -> None:
    scale = Scale(low, low * factor, 10, 200, log)
    assert scale(low) == pytest.approx(10)
    assert scale(low * factor) == pytest.approx(200)
    assert 10 - 1e-6 <= scale(low + share * (low * factor - low)) <= 200 + 1e-6


@given(st.lists(sizes, min_size=1, max_size=20), st.booleans())
def test_padding_holds_every_value(values: list[float], log: bool) -> None:
    low, high = padded(values, log=log)
    assert low < high
    assert low <= min(values) <= max(values) <= high
    assert not log or low > 0


@given(st.lists(st.floats(0, 300), min_size=1, max_size=15))
def test_spread_labels_keep_order_apart_and_inside(wanted: list[float]) -> None:
    placed = spaced_apart(wanted, 17, 0, 300)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    gaps = [placed[b] - placed[a] for a, b in pairwise(order)]
    assert all(gap >= 17 - 1e-9 for gap in gaps)
    assert max(placed) <= 300
    assert min(placed) >= 0


@given(st.text(max_size=60))
def test_any_text_stays_text(text: str) -> None:
    root = picture(10, 10, text, data_model=text)
    put(root, "text", text)
    read = fromstring(str(markup(root)))
    assert len(read) == 1
    assert len(read[0]) == 0


def test_names_are_shortened_in_the_middle() -> None:
    assert shortened("timm:mobilenetv3_small_100.lamb_in1k", 20) == "timm:mobilene…b_in1k"
    assert shortened("plain_cnn", 20) == "plain_cnn"
    assert number(2.0) == "2"
    assert number(-0.125) == "-0.12"


def test_letters_go_on_after_z() -> None:
    assert [letter_text(number) for number in (1, 26, 27, 52, 53)] == ["A", "Z", "AA", "AZ", "BA"]
