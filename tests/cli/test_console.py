import pytest

from bench.cli.console import Screen


def test_names_and_reasons_cannot_command_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.say("[red]net[/red] \x1b[31m\x07 end net.py:Boom:boom:")
    screen.warn("two\nlines \x9b31m")
    screen.table("title", ["model"], [["[b]\x1b]0;name\x07"]])
    shown = capfd.readouterr()
    assert "[red]net[/red] \ufffd[31m\ufffd end net.py:Boom:boom:" in shown.out
    assert "[b]\ufffd]0;name\ufffd" in shown.out
    assert "two\nlines \ufffd31m" in shown.err
