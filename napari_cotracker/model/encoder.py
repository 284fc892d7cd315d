"""Frame encoder: a residual CNN whose stages are fused into one feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_cotracker.model.arithmetic import works_in_parts
from napari_cotracker.model.fine_map import packed

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.model.config import EncoderConfig


# Frames that an accelerator encodes at once: enough to be busy, few enough to fit.
ACCELERATOR_BATCH = 16


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with instance norm; a 1x1 shortcut where it strides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        self.downsample: nn.Module | None = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (F, in, H, W) to (F, out, H/stride, W/stride)."""
        y = _normalised(self.conv1(x)).relu_()
        y = _normalised(self.conv2(y)).relu_()
        if self.downsample is not None:
            x = _normalised(self.downsample(x))
        return (x + y).relu_()


class FineHead(nn.Module):
    """What lies where, to half a feature pixel: early detail told apart by features."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.detail = nn.Conv2d(config.widths[0], config.fine_channels, 1)
        self.context = nn.Conv2d(config.channels, config.fine_channels, 1)
        self.out = nn.Conv2d(config.fine_channels, config.fine_channels, 3, padding=1)

    def forward(self, early: Tensor, features: Tensor) -> Tensor:
        """Map (F, w, 2h, 2w) and (F, C, h, w) to (F, fine, 2h, 2w)."""
        context = _resized(self.context(features), (early.shape[-2], early.shape[-1]))
        out: Tensor = self.out(_normalised(self.detail(early) + context).relu_())
        return out


class FrameEncoder(nn.Module):
    """CoTracker's ``fnet``; every frame is encoded by itself.

    Instance norm has no statistics that span frames, so the features of a frame do
    not depend on the batch it is encoded in and may be cached.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.stride = config.stride
        widths = config.widths
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3)
        self.layer1 = _stage(widths[0], widths[0], 1)
        self.layer2 = _stage(widths[0], widths[1], 2)
        self.layer3 = _stage(widths[1], widths[2], 2)
        self.layer4 = _stage(widths[2], widths[3], 2)
        first, second = config.fusion_kernels
        self.conv2 = nn.Conv2d(
            sum(widths), config.fusion_width, first, padding=first // 2
        )
        self.conv3 = nn.Conv2d(
            config.fusion_width, config.channels, second, padding=second // 2
        )
        self.fine = FineHead(config) if config.fine_channels else None

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Encode frames.

        Parameters
        ----------
        frames : (F, 3, H, W), values 0..255
            H and W multiples of the stride.

        Returns
        -------
        (F, C, H/stride, W/stride), and the fine map (F, fine, 2 H/stride, 2 W/stride)
        where there is one
        """
        size = (frames.shape[-2] // self.stride, frames.shape[-1] // self.stride)
        x = _normalised(self.conv1(2 * (frames / 255) - 1)).relu_()
        early = x = self.layer1(x)
        stages = [_resized(x, size)]
        for layer in (self.layer2, self.layer3, self.layer4):
            x = layer(x)
            stages.append(_resized(x, size))
        fused = _normalised(self.conv2(torch.cat(stages, dim=1))).relu_()
        features: Tensor = self.conv3(fused)
        if self.fine is None:
            return [features]
        return [features, self.fine(early, features)]


def encode_frames(
    encoder: FrameEncoder,
    frames: Tensor,
    finish: Callable[[Tensor], Tensor],
) -> Tensor:
    """Encode (F, 3, H, W) frames into (F, h, w, C), in batches that suit.

    ``finish`` is applied to every float32 map of a batch; several are packed into one.
    Channels come last, so that a position's feature is a row that can be gathered.

    A processor is quickest frame by frame: the activations of several do not fit its
    caches, and the allocator maps them afresh for every layer. Training keeps the
    activations anyway.
    """
    if works_in_parts(frames.device):
        batch = 1
    else:
        batch = len(frames) if torch.is_grad_enabled() else ACCELERATOR_BATCH
    parts = []
    for part in frames.split(max(1, batch)):
        maps: list[Tensor] = encoder(part)
        rows = [values.permute(0, 2, 3, 1).float().contiguous() for values in maps]
        parts.append(packed([finish(values) for values in rows]))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _normalised(x: Tensor) -> Tensor:
    """Instance norm, by the kernel that is quick on a processor."""
    return F.layer_norm(x, x.shape[-2:])


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (F, C, H, W) bilinearly, corner pixels onto corner pixels."""
    if x.shape[-2:] == size:
        return x
    if not torch.compiler.is_compiling():
        return F.interpolate(x, size, mode="bilinear", align_corners=True)
    # The compiler's own gathers take many times as long as two matrix products.
    rows, columns = (_weights(x, i, size[i]) for i in (-2, -1))
    return rows.T @ (x @ columns)


def _weights(x: Tensor, axis: int, length: int) -> Tensor:
    """Weights (n, length) that resample an axis of x from its n places."""
    unit = torch.eye(x.shape[axis], device=x.device)[None]
    weights = F.interpolate(unit, length, mode="linear", align_corners=True)
    return weights[0].to(x.dtype)


def _stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        ResidualBlock(in_channels, out_channels, stride),
        ResidualBlock(out_channels, out_channels, 1),
    )
