"""The exit code tells whose fault it is; the message stays one line."""

import pytest

import bench.api  # (imported while the function is broken, it would keep it)
from bench.cli.main import main
from bench.errors import ConfigError
from bench.reporting import rebuilding


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("--out x: mend it"), 2, "error: --out x: mend it"),
        (OSError(13, "Permission denied", "x.csv"), 2, "error: x.csv: Permission denied; check the path"),
        (KeyError("a\nname"), 3, "error: KeyError: 'a\\nname' (an error in bench itself; --debug shows where)"),
    ],
)
def test_whose_fault_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int, said: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(rebuilding, "report_from_records", broken)
    for debug in ([], ["--debug"]):
        with pytest.raises(SystemExit) as left:
            main(["report", *debug])
        assert left.value.code == code
        lines = capsys.readouterr().err.splitlines()
        assert lines[-1].startswith(said)
        assert any(line.startswith("Traceback") for line in lines) == bool(debug)
        assert debug or len(lines) == 1


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"bench {bench.__version__}\n"
