"""One real step of twenty families of timm on the CPU: slow, since most are large."""

import pytest
import torch

import architectures

FAMILIES = [
    "resnet18",
    "resnext50_32x4d",
    "densenet121",
    "mobilenetv2_100",
    "mobilenetv3_small_100",
    "efficientnet_lite0",
    "regnety_002",
    "ghostnet_100",
    "convnext_atto",
    "convnextv2_atto",
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224",
    "mixer_s32_224",
    "poolformer_s12",
    "edgenext_xx_small",
    "repvgg_a0",
    "hrnet_w18_small",
    "dla34",
    "xcit_nano_12_p16_224",
    "inception_v3",
    "levit_128s",
    "fastvit_t8",
    "mobilevit_xxs",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_one_real_step_with_finite_gradients(name: str) -> None:
    torch.manual_seed(0)
    module = architectures.build(f"timm:{name}").train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    pictures = torch.randn(4, 1, 96, 96)
    targets = torch.linspace(-0.5, 0.5, 30).expand(4, 30)
    before = {key: value.clone() for key, value in module.state_dict().items() if value.is_floating_point()}
    loss = (module(pictures) - targets).square().mean()
    loss.backward()
    gradients = [one.grad for one in module.parameters() if one.requires_grad and one.grad is not None]
    assert len(gradients) > 0.9 * sum(one.requires_grad for one in module.parameters())
    assert all(bool(torch.isfinite(one).all()) for one in gradients)
    optimiser.step()
    after = module.state_dict()
    assert all(bool(torch.isfinite(after[key]).all()) for key in before)
    assert any(not torch.equal(after[key], before[key]) for key in before)
