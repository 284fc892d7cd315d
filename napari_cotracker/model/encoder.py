"""Frame encoder: a residual CNN whose stages are fused into one feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from napari_cotracker.model.config import EncoderConfig


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
        y = F.relu(F.instance_norm(self.conv1(x)))
        y = F.relu(F.instance_norm(self.conv2(y)))
        if self.downsample is not None:
            x = F.instance_norm(self.downsample(x))
        return F.relu(x + y)


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

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames.

        Parameters
        ----------
        frames : (F, 3, H, W), values 0..255
            H and W multiples of the stride.

        Returns
        -------
        (F, C, H/stride, W/stride)
        """
        size = (frames.shape[-2] // self.stride, frames.shape[-1] // self.stride)
        x = F.relu(F.instance_norm(self.conv1(2 * (frames / 255) - 1)))
        stages = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            stages.append(F.interpolate(x, size, mode="bilinear", align_corners=True))
        fused = F.relu(F.instance_norm(self.conv2(torch.cat(stages, dim=1))))
        features: Tensor = self.conv3(fused)
        return features


def _stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        ResidualBlock(in_channels, out_channels, stride),
        ResidualBlock(out_channels, out_channels, 1),
    )
