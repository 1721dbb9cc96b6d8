"""What is handed over from Python stands in a folder that goes with its process, however that ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import bench_environment

SCRIPT = """
import os, signal, sys
from torch import nn
from architectures import adopt
class Net(nn.Identity): ...
adopt(Net)
print(*os.listdir(sys.argv[1]), flush=True)
int(sys.argv[2]) and os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL here")
def test_the_next_process_removes_what_a_killed_one_handed_over(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def folders(ending: int) -> list[str]:
        command = [sys.executable, str(script), str(temporary), str(ending)]
        environment = {**bench_environment(), "TMPDIR": str(temporary)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert ended.returncode == -ending, ended.stderr
        return [name for name in ended.stdout.split() if name.startswith("bench-")]

    (first,) = folders(9)
    (second,) = folders(0)
    assert first != second
    assert not [*temporary.glob("bench-*")]
