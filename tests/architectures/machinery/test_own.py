"""Networks outside this repository: a file that the user names, or an installed package."""

import importlib
import logging
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

import architectures
from architectures import ArchitectureError
from architectures.machinery import lookup

FIND_PACKAGED_NAMES = lookup.packaged_names.__wrapped__
"""Looks afresh on each call."""

NET = '''
"""A user's file."""
from torch import nn

class MyNet(nn.Module):
    """Two layers, and that is all."""

    recipe = {"lr": 0.01}

    def __init__(self, width: int = 8, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(9216, width), nn.Linear(width, 30))

    def forward(self, pictures):
        return self.layers(pictures)

def small(*, width: int = 2):
    return MyNet(width)

def no_module():
    return 3

def needs(width):
    return MyNet(width)

NUMBER = 3
'''


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "my_net.py"
    path.write_text(NET)
    return path


def test_a_class_of_a_named_file(net: Path) -> None:
    entry = architectures.get(f"{net}:MyNet")
    assert entry.name == f"{net}:MyNet"
    assert entry.summary == "Two layers, and that is all."
    assert entry.family == "own"
    assert entry.recipe == {"lr": 0.01}
    assert entry.option_names() == ["width", "dropout"]
    module = entry.build(width=4)
    assert module(torch.zeros(2, 1, 96, 96)).shape == (2, 30)
    with pytest.raises(ArchitectureError, match="unknown option 'widht'"):
        entry.build(widht=4)
    assert not list(net.parent.glob("__pycache__"))


def test_a_function_of_a_named_file(net: Path) -> None:
    assert architectures.build(f"{net}:small").layers[2].out_features == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MyNett", "has no 'MyNett'; it has MyNet, small"),
        ("NUMBER", "only imported there|expected a torch.nn.Module class"),
        ("nn", "only imported there"),
        ("needs", "'width' needs a default"),
        ("no_module", "made a int"),
    ],
)
def test_what_is_no_builder_is_refused(net: Path, name: str, reason: str) -> None:
    with pytest.raises(ArchitectureError, match=reason):
        architectures.build(f"{net}:{name}")


def test_files_that_cannot_be_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    for source, reason in (
        ("def (:", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(0)", "SystemExit"),
    ):
        broken.write_text(source)
        with pytest.raises(ArchitectureError, match=f"broken.py: cannot be loaded \\({reason}"):
            architectures.get(f"{broken}:Net")
    with pytest.raises(ArchitectureError, match="no file"):
        architectures.get(f"{tmp_path}/../x.py:Net")
    with pytest.raises(ArchitectureError, match=r"write broken.py:NAME"):
        architectures.get("broken.py")


def test_an_edited_file_is_loaded_again(net: Path) -> None:
    assert architectures.get(f"{net}:MyNet").recipe == {"lr": 0.01}
    net.write_text(NET.replace("0.01", "0.02"))
    assert architectures.get(f"{net}:MyNet").recipe == {"lr": 0.02}


def test_two_folders_with_files_of_the_same_names(tmp_path: Path) -> None:
    built = []
    for folder, width in (("a", 3), ("b", 5)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "layers.py").write_text(f"WIDTH = {width}\n")
        text = NET.replace("from torch import nn", "from torch import nn\nfrom layers import WIDTH")
        path = tmp_path / folder / "net.py"
        path.write_text(text.replace("width: int = 8", "width: int = WIDTH"))
        built.append(architectures.build(f"{path}:MyNet"))
    assert [module.layers[2].out_features for module in built] == [3, 5]


FOUND_BY = {
    "a path": "import sys\nsys.path.insert(0, {folder!r})\nfrom layers import WIDTH",
    "import_module": "import sys, importlib\nsys.path.append({folder!r})\n"
    "WIDTH = importlib.import_module('lay' + 'ers').WIDTH",
    "a spec": "import importlib.util as util\nspec = util.spec_from_file_location('x', {folder!r} + '/layers.py')\n"
    "layers = util.module_from_spec(spec)\nspec.loader.exec_module(layers)\nWIDTH = layers.WIDTH",
    "runpy": "import runpy\nWIDTH = runpy.run_path({folder!r} + '/layers.py')['WIDTH']",
    "a package": "import sys\nsys.path.insert(0, {folder!r})\nfrom parts.layers import WIDTH",
}


@pytest.mark.parametrize("how", FOUND_BY)
def test_what_a_file_loads_from_elsewhere_is_its_own_and_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """However it is found, and whatever another file loaded before under the same name."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # bytecode knows its source by size and second
    paths, widths = list(sys.path), []
    for folder, width in (("a", 3), ("b", 5), ("b", 7)):
        elsewhere = tmp_path / f"lib_{folder}"
        (elsewhere / "parts").mkdir(parents=True, exist_ok=True)
        layers = elsewhere / ("parts/layers.py" if how == "a package" else "layers.py")
        layers.write_text(f"WIDTH = {width}\n")
        net = tmp_path / f"net_{folder}.py"
        found = FOUND_BY[how].format(folder=str(elsewhere))
        net.write_text(NET.replace("from torch import nn", f"from torch import nn\n{found}").replace("= 8", "= WIDTH"))
        entry = architectures.get(f"{net}:MyNet")
        widths.append(entry.build().layers[2].out_features)
        assert set(entry.files) == {net, layers}
    assert widths == [3, 5, 7]
    assert sys.path == paths
    assert not {"layers", "parts.layers"} & set(sys.modules)


def test_modules_that_stand_are_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, net: Path) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "layers_of_a_script.py").write_text("WIDTH = 3\n")
    script = importlib.import_module("layers_of_a_script")
    net.write_text(f"import layers_of_a_script\n{NET}")
    assert net.with_name("layers_of_a_script.py") in architectures.get(f"{net}:MyNet").files
    assert sys.modules["layers_of_a_script"] is script
    monkeypatch.delitem(sys.modules, "layers_of_a_script")


def test_a_file_cannot_shadow_an_installed_module(net: Path) -> None:
    (net.parent / "random.py").write_text("raise RuntimeError('shadowed')")
    net.write_text("import random\n" + NET)
    architectures.get(f"{net}:MyNet")


def with_packages(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(lookup, "entry_points", lambda group: [one for one in points if one.group == group])
    monkeypatch.setattr(lookup, "packaged_names", FIND_PACKAGED_NAMES)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=lookup.ENTRY_POINTS)


def test_an_installed_package_adds_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with_packages(monkeypatch, point("theirs", "architectures.plain_cnn:plain_cnn"))
    assert "theirs" in architectures.available()
    assert architectures.build("theirs")(torch.zeros(2, 1, 96, 96)).shape == (2, 30)


def test_a_broken_package_does_not_take_the_others_along(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_packages(monkeypatch, point("broken", "no_such_package:Net"))
    with caplog.at_level(logging.WARNING):
        assert "plain_cnn" in architectures.available()
    assert "broken" in caplog.text
    architectures.get("plain_cnn")
    with pytest.raises(ArchitectureError, match="cannot be loaded"):
        architectures.get("broken")


def test_two_architectures_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with_packages(monkeypatch, point("plain_cnn", "one:Net"))
    with pytest.raises(ArchitectureError, match="two architectures are named 'plain_cnn'"):
        architectures.get("plain_cnn")
    with pytest.raises(ArchitectureError, match="two architectures are named 'plain_cnn'"):
        architectures.available()
    with_packages(monkeypatch, point("twice", "one:Net"), point("twice", "two:Net"))
    with pytest.raises(ArchitectureError, match="in one and in two"):
        architectures.get("twice")


def test_unknown_names_get_the_nearest_ones() -> None:
    with pytest.raises(ArchitectureError, match=r"unknown model 'resnet_costum' \(did you mean resnet_custom"):
        architectures.get("resnet_costum")
    with pytest.raises(ArchitectureError, match=r"unknown model '../../x'"):
        architectures.get("../../x")


POINTS = """
from torch import nn

class Any(nn.Sequential):
    def __init__(self, keypoints, side_px, *, channels=1, width: int = 4) -> None:
        cells = channels * side_px * side_px
        super().__init__(nn.Flatten(), nn.Linear(cells, width), nn.Linear(width, 2 * keypoints))
"""


def test_a_file_that_names_the_datas_dimensions_works_for_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "any.py").write_text(POINTS)
    entry = architectures.get(f"{tmp_path}/any.py:Any")
    assert entry.option_names() == ["width"]
    assert entry.build(width=2)(torch.zeros(2, 1, 96, 96)).shape == (2, 30)
    assert entry.build(keypoints=4, side_px=64, channels=3)(torch.zeros(2, 3, 64, 64)).shape == (2, 8)


def test_a_file_that_names_none_is_refused_for_other_data(net: Path) -> None:
    with pytest.raises(ArchitectureError, match=r"my_net.py:MyNet: made for keypoints=15, these data have 68"):
        architectures.build(f"{net}:MyNet", keypoints=68)
