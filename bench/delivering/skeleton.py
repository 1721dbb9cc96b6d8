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
    usable = name.isascii() and name.isidentifier() and name == name.lower()
    if not usable or any(keyword.iskeyword(word) or not word.isidentifier() for word in (name, class_name(name))):
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


def reference(name: str, folder: Path) -> str:
    """``my_net`` -> ``my_net.py:MyNet`` where ``folder`` holds that file and no architecture has that name."""
    from architectures import registered
    from architectures.machinery.lookup import packaged_names

    if name in registered() or name in packaged_names() or not name.isidentifier():
        return name
    return f"{name}.py:{class_name(name)}" if (folder / f"{name}.py").is_file() else name


def class_name(name: str) -> str:
    """``my_net`` -> ``MyNet``."""
    return "".join(word.capitalize() for word in name.split("_"))
