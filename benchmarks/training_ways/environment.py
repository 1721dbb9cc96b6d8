"""An environment of their own for skorch and Lightning, with the very same build of torch behind it."""

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from bench.records.cache_folder import cache_folder

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def peers_python() -> Path:
    """The interpreter of the environment, which is made where it is missing.

    Our own packages stand behind those of ``requirements.txt`` in its path: a comparison of two torch builds would
    compare the builds.
    """
    behind = sysconfig.get_path("purelib")
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + f"{sys.version}{behind}".encode()).hexdigest()[:12]
    folder = cache_folder() / f"peers-{wanted}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "complete"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        (Path(site.decode().strip()) / "behind.pth").write_text(f"{behind}\n")
        quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True, env=quiet)
        done.touch()
    return python
