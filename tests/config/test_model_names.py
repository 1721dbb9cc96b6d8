import pytest

from bench.config.model_names import architecture_of, is_ensemble, members_of, refuse_ensemble
from bench.errors import ConfigError


@pytest.mark.parametrize("name", ["ensemble:", "ensemble:a", "ensemble:a+", "ensemble:a+a", "ensemble:a+ensemble:b"])
def test_malformed_names(name: str) -> None:
    assert is_ensemble(name)
    with pytest.raises(ConfigError, match=r"ensemble"):
        members_of(name)


def test_members_keep_their_order_and_their_colons() -> None:
    assert members_of("ensemble:timm:resnet18+./net.py:Net") == ("timm:resnet18", "./net.py:Net")
    assert not is_ensemble("resnet18")


def test_an_ensemble_has_nothing_to_fit() -> None:
    refuse_ensemble("resnet_custom")
    with pytest.raises(ConfigError, match="name one of a, b"):
        refuse_ensemble("ensemble:a+b")


def test_a_tuned_model_is_its_architecture() -> None:
    assert architecture_of("timm:resnet18@tuned") == "timm:resnet18"
    assert architecture_of("plain_cnn") == "plain_cnn"
