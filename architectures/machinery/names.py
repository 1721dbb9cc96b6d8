"""What an architecture may be called: a registered name, ``timm:NAME`` or ``FILE.py:NAME``."""

import re

TIMM_PREFIX = "timm:"

OWN_FILE = re.compile(r"^(?P<file>.+\.py):(?P<name>[^:/\\]+)$")
"""``FILE.py:NAME``, a class or function of a file of the user's own."""


def is_file_reference(name: str) -> bool:
    """Whether a name points into a file: ``FILE.py:NAME``, or ``FILE.py`` with the rest forgotten."""
    return OWN_FILE.match(name) is not None or name.endswith(".py")
