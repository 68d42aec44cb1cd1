"""Depthwise convolutions that train at full speed on a CPU in bf16.

In bf16 oneDNN's gradient of a depthwise kernel takes two to four times as long as in fp32, and the gradient of its
input ten times as long where the stride is 2 (64 samples of 672 channels, 14x14, kernel 5: 97 ms against 33 ms, and
190 ms against 14 ms, torch 2.14 on AVX-512). So each gradient is computed in the precision in which it is fast.
"""

from typing import Any

import torch
from torch import Tensor, nn

from graft.telemetry import without_telemetry


class DepthwiseConvolution(torch.autograd.Function):
    """Forward in the precision of autocast; gradients each in the faster one."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, weight: Tensor, stride: list[int], padding: list[int]) -> Tensor:
        narrow = weight.to(pictures.dtype)
        ctx.save_for_backward(pictures, narrow)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv2d(pictures, narrow, None, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        pictures, weight = ctx.saved_tensors
        [gradient] = gradients
        wide = (gradient.float(), pictures.float(), weight.float())
        of_input = of_weight = None
        if ctx.needs_input_grad[0]:
            arguments = wide if max(ctx.stride) > 1 else (gradient, pictures, weight)
            of_input = _backward(ctx, arguments, [True, False, False])[0].to(pictures.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = _backward(ctx, wide, [False, True, False])[1]
        return of_input, of_weight, None, None


def _backward(ctx: Any, arguments: tuple[Tensor, Tensor, Tensor], mask: list[bool]) -> tuple[Tensor, ...]:
    gradient, pictures, weight = arguments
    result: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        gradient, pictures, weight, None, ctx.stride, ctx.padding, [1, 1], False, [0, 0], weight.shape[0], mask
    )
    return result


def speed_up_depthwise(module: nn.Module) -> nn.Module:
    """Let every plain depthwise convolution of a module train through `DepthwiseConvolution`; weights stay the same.

    The module computes what it did before, and is meant for training only: export a fresh one with its weights.
    """
    for piece in module.modules():
        if isinstance(piece, nn.Conv2d) and _is_plain_depthwise(piece):
            piece.forward = _Forward(piece)  # type: ignore[method-assign, assignment]
    return module


class _Forward:
    """The forward of a depthwise convolution; `same` pads as TensorFlow does, as timm's Conv2dSame asks for."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        self.convolution = convolution
        self.same = type(convolution).__name__ == "Conv2dSame"
        if self.same:
            without_telemetry()
            from timm.layers.padding import pad_same

            self.pad_same = pad_same
        self.stride = list(convolution.stride)
        self.padding = [0, 0] if self.same else [int(side) for side in convolution.padding]

    def __call__(self, pictures: Tensor) -> Tensor:
        if self.same:
            pictures = self.pad_same(pictures, list(self.convolution.kernel_size), self.stride)
        if torch.is_autocast_enabled(pictures.device.type):
            pictures = pictures.to(torch.get_autocast_dtype(pictures.device.type))
        result: Tensor = DepthwiseConvolution.apply(pictures, self.convolution.weight, self.stride, self.padding)
        return result


def _is_plain_depthwise(piece: nn.Conv2d) -> bool:
    return (
        type(piece).__name__ in {"Conv2d", "Conv2dSame"}
        and 1 < piece.groups == piece.in_channels == piece.out_channels
        and piece.bias is None
        and piece.padding_mode == "zeros"
        and not isinstance(piece.padding, str)
        and set(piece.dilation) == {1}
    )
