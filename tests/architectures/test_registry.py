"""The registry is explicit: duplicates are refused, unknown names and options answered with the nearest ones."""

import pytest

import architectures
from architectures import ArchitectureError
from architectures.registry import register


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ArchitectureError, match="two architectures are named 'plain_cnn'"):
        register("plain_cnn", summary="another")(lambda: None)  # type: ignore[arg-type,return-value]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ArchitectureError, match=r"unknown model 'plane_cnn' \(did you mean plain_cnn\?\)"):
        architectures.build("plane_cnn")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 3}, r"unknown option 'widht' \(did you mean width\?\)"),
        ({"width": 0}, "width is 0, expected"),
        ({"width": "wide"}, "plain_cnn: "),
    ],
)
def test_options_are_refused_by_name(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        architectures.build("plain_cnn", **options)


def test_the_registry_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        architectures.registered()["other"] = None  # type: ignore[index]
