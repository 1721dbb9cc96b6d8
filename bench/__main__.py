"""``python -m bench`` and the ``bench`` command."""

from bench.cli.main import main

if __name__ == "__main__":
    main()
