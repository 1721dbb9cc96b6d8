"""Four minutes of ``benchmarks.torture``, from another seed each time; longer is a matter of ``--minutes``."""

import secrets
import subprocess
import sys

import pytest

from tests.conftest import PROJECT, bench_environment


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
def test_nothing_is_lost_and_nothing_silently_wrong() -> None:
    command = [sys.executable, "-m", "benchmarks.torture", "--minutes", "4", "--seed", str(secrets.randbelow(10**6))]
    done = subprocess.run(
        command, cwd=PROJECT, env=bench_environment(), capture_output=True, text=True, timeout=580, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("runs killed three times", "flipped bits of records", "hostile files", "misbehaving networks"):
        assert f"{kind}: " in done.stdout
