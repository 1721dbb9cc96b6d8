"""The skeleton of a user's own network, and its test."""

import keyword
from importlib.resources import files
from pathlib import Path
from string import Template

from bench.errors import ConfigError
from bench.records.atomic import write_text

TEMPLATES = {"{name}.py": "net.py.txt", "test_{name}.py": "test_net.py.txt"}


def write_skeleton(name: str, folder: Path) -> list[Path]:
    """Write ``NAME.py`` and ``test_NAME.py`` into ``folder``; the paths written.

    Raises:
        ConfigError: the name is no Python name in small letters, or a file of it is there already.
    """
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or keyword.iskeyword(name):
        raise ConfigError(f"'{name}' cannot name a file and a class; use small letters, digits and _, such as my_net")
    targets = {folder / file.format(name=name): template for file, template in TEMPLATES.items()}
    for target in targets:
        if target.exists():
            raise ConfigError(f"{target} is there already; choose another name or move it away")
    words = {
        "class_name": class_name(name),
        "file_name": f"{name}.py",
        "test_name": f"test_{name}.py",
    }
    for target, template in targets.items():
        text = files("bench.delivering").joinpath("templates", template).read_text(encoding="utf-8")
        write_text(target, Template(text).substitute(words))
    return list(targets)


def class_name(name: str) -> str:
    """``my_net`` -> ``MyNet``."""
    return "".join(word.capitalize() for word in name.split("_"))
