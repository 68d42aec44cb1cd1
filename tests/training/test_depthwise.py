import copy

import pytest
import timm
import torch
from torch import nn

from graft.training.depthwise import speed_up_depthwise


def gradients(module: nn.Module, pictures: torch.Tensor, bf16: bool) -> list[torch.Tensor]:
    pictures = pictures.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        module(pictures).float().square().mean().backward()
    return [pictures.grad, *(parameter.grad for parameter in module.parameters())]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("bf16", "tolerance"), [(False, 1e-5), (True, 0.03)], ids=["fp32", "bf16"])
def test_its_gradients_are_those_of_torch(stride, bf16, tolerance):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(16, 16, 5, stride, 2, groups=16, bias=False))
    fast = speed_up_depthwise(copy.deepcopy(plain))
    pictures = torch.randn(4, 16, 14, 14)
    expected = gradients(plain, pictures, bf16=False)
    for gradient, reference in zip(gradients(fast, pictures, bf16), expected, strict=True):
        assert (gradient - reference).abs().max() <= tolerance * reference.abs().max()


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "mobilenetv3_small_100", "test_convnext"])
@torch.no_grad()
def test_a_network_computes_what_it_did(name):
    torch.manual_seed(0)
    module = timm.create_model(name).eval()
    pictures = torch.randn(1, 3, 96, 96)
    expected = module(pictures)
    assert torch.allclose(speed_up_depthwise(module)(pictures), expected, atol=1e-5)


def test_other_convolutions_keep_their_path():
    module = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 8, 3, groups=4), nn.Conv2d(8, 8, 3, groups=8, bias=True))
    speed_up_depthwise(module)
    assert not any("forward" in vars(piece) for piece in module)
