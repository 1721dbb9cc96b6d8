"""``python -m bench`` and the ``bench`` command."""

import os
import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line; see :func:`bench.cli.main.main`."""
    from bench.cli.main import main as run

    run()


def _leave_working_directory() -> None:
    """Take the working directory, which ``python -m`` puts first, off the path: a ``secrets.py`` there would run.

    It stays where bench itself stands there, as in a clone that is not installed.
    """
    here = os.getcwd()  # noqa: PTH109  (pathlib is not loaded yet, and would be looked for here)
    if not sys.flags.safe_path and sys.path[:1] == [here]:
        del sys.path[0]
        if find_spec("architectures") is None:
            sys.path.insert(0, here)


if __name__ == "__main__":
    _leave_working_directory()
    main()
