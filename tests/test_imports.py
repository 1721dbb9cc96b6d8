"""The house's arrows: who may import whom, no cycles, and nothing heavy on the way to ``bench --help``."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT, bench_environment

FLOORS = (
    "__main__", "cli", "__init__", "api", "keywords", "progress", "delivering", "asking", "tuning", "reporting",
    "running", "comparing", "measuring", "training", "gates", "faces", "records", "config", "processes", "scheme",
    "outside_text", "signatures", "errors",
)  # fmt: skip
"""Every room and every top-level module, from the top of the house down: arrows run downwards, nothing is exempt."""

BUILDERS = {"running", "tuning", "measuring", "delivering", "cli"}
"""The rooms that may import ``architectures``; the trainer is handed a module."""


def sources(package: str) -> list[Path]:
    return sorted((PROJECT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_arrows_run_one_way() -> None:
    wrong = []
    for path in sources("bench"):
        own = FLOORS.index(room(module_name(path)))  # a room or module without a floor fails here
        wrong += [
            f"{module_name(path)} -> {target}"
            for target in imports(path)
            if target.startswith("bench.") and FLOORS.index(room(target)) < own
        ]
    assert not wrong


def test_only_the_building_rooms_import_architectures_which_import_nobody() -> None:
    wrong = [
        f"{module_name(path)} -> {target}"
        for path in sources("bench")
        for target in imports(path)
        if target.split(".")[0] == "architectures" and room(module_name(path)) not in BUILDERS
    ]
    wrong += [
        f"{module_name(path)} -> {target}"
        for path in sources("architectures")
        for target in imports(path)
        if target.split(".")[0] == "bench"
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("library", "only"),
    [
        ("rich", ("bench.cli.console", "bench.progress")),
        ("optuna", ("bench.tuning",)),
        ("typer", ("bench.cli",)),
        ("cloudpickle", ("architectures.machinery.adopted",)),
    ],
)
def test_a_library_has_one_importer(library: str, only: tuple[str, ...]) -> None:
    importers = {
        module_name(path)
        for package in ("bench", "architectures")
        for path in sources(package)
        for target in imports(path)
        if target.split(".")[0] == library
    }
    assert importers
    assert all(any(f"{importer}.".startswith(f"{place}.") for place in only) for importer in importers), importers


def test_there_is_no_import_cycle() -> None:
    """A package's ``__init__`` is a module like any other for whoever takes a name from it.

    That every submodule loads its package first is no arrow, nor is taking a submodule from it.
    """
    modules = {module_name(path): path for package in ("bench", "architectures") for path in sources(package)}

    def module_of(target: str) -> str:
        return target if target in modules else target.rpartition(".")[0]

    arrows = {name: {module_of(target) for target in imports(path)} & {*modules} for name, path in modules.items()}
    assert "architectures.heatmap" in arrows["architectures"]
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in finished:
            for target in sorted(arrows[name]):
                visit(target, (*trail, name))
            finished.add(name)

    for name in sorted(arrows):
        visit(name, ())


def test_reports_load_nothing_that_trains() -> None:
    code = (
        "import sys\nimport bench.api\n"
        "loaded = {'torch', 'timm', 'sklearn', 'optuna'} & set(sys.modules)\nassert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=bench_environment(), cwd=PROJECT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom bench.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'timm', 'pandas', 'numpy', 'sklearn', 'scipy', 'optuna', 'pydantic', 'rich'}\n"
        "loaded = heavy & set(sys.modules)\nassert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=bench_environment(), cwd=PROJECT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout
