"""Numbers as people read them, the same in every table, sentence and figure."""

from collections.abc import Callable

NOTHING = "–"


def places(count: int) -> Callable[[float | None], str]:
    """Writes a number with so many decimals; None as ``–``."""
    return lambda value: NOTHING if value is None else f"{value:.{count}f}"


def format_count(value: float | None) -> str:
    """1234567 -> ``1.23 M``; None -> ``–``."""
    if value is None:
        return NOTHING
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:g}"


def format_seconds(value: float | None) -> str:
    """Seconds for reading: ``42 s``, ``3 min 05 s``, ``2 h 10 min``; None -> ``–``."""
    if value is None:
        return NOTHING
    whole = round(value)
    if whole < 60:
        return f"{value:.1f} s" if value < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def interval_text(interval: tuple[float | None, float | None] | None) -> str:
    """``1.62 to 1.78``; ``–`` where it is not known."""
    if interval is None or interval[0] is None or interval[1] is None:
        return NOTHING
    return f"{interval[0]:.2f} to {interval[1]:.2f}"


def probability_text(value: float, equals: str = "") -> str:
    """``0.012``, or ``= 0.012`` with a sign before it; ``< 0.001`` below that."""
    return "< 0.001" if value < 0.001 else f"{equals}{value:.3f}"


def setting_text(value: object) -> str:
    """The value of a setting that was searched."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def letter_text(number: int) -> str:
    """1 -> A .. 26 -> Z, then AA, AB ..."""
    letters = ""
    while number > 0:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters
