"""Every number that shapes a network; presets are named instances."""

from __future__ import annotations

from dataclasses import dataclass, field

PUBLISHED_SUPPORT_GRID = 6
PUBLISHED_ITERATIONS = 6


@dataclass(frozen=True)
class EncoderConfig:
    """Frame encoder: four residual stages fused at 1/stride resolution.

    Parameters
    ----------
    widths : tuple of int
        Channels of the four residual stages.
    fusion_width : int
        Channels of the hidden fusion layer.
    fusion_kernels : (int, int)
        Kernel sizes of the two fusion convolutions (published: 3, 1).
    channels : int
        C, channels of the feature map.
    stride : int
        Spatial reduction of the feature map.
    fine_channels : int
        Channels of a second map of half that stride (published: 0 = none).
    """

    widths: tuple[int, int, int, int] = (64, 96, 128, 128)
    fusion_width: int = 256
    fusion_kernels: tuple[int, int] = (3, 1)
    channels: int = 128
    stride: int = 4
    fine_channels: int = 0


@dataclass(frozen=True)
class CoTracker3Config:
    """CoTracker3 (Karaev et al. 2024) in any size.

    Parameters
    ----------
    window_len : int
        S, frames processed jointly; the length of the time table.
    offline : bool
        One window over the whole clip instead of overlapping windows of S frames.
    corr_levels, corr_radius : int
        Correlation pyramid levels L and neighbourhood radius r.
    corr_hidden, corr_out : int
        Widths of the correlation MLP (2401 -> hidden -> out for r = 3).
    hidden, heads, depth : int
        Update transformer: width, attention heads, time + space layers.
    virtual_tracks : int
        Learned proxy tokens between points.
    model_resolution : (H, W)
        Resolution that displacements are expressed in, whatever the frame size.
    published_faults : bool
        Whether ``predict`` keeps the published handling of short clips (needed for
        parity).
    unqueried_take_part : bool
        Whether ``predict`` keeps points in windows before their query, as published.
    unit_looks : bool
        Whether support patches have unit length; published networks take them as
        interpolation between feature pixels leaves them, shorter.
    least_area : int
        Smaller pictures are enlarged to so many pixels (0 = never); published networks
        take them as they are.
    support_grid, iterations : int
        Side of the grid of support points, and refinement iterations, that a tracker
        uses unless told otherwise.
    """

    window_len: int = 16
    offline: bool = False
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    corr_levels: int = 4
    corr_radius: int = 3
    corr_hidden: int = 384
    corr_out: int = 256
    hidden: int = 384
    heads: int = 8
    depth: int = 3
    virtual_tracks: int = 64
    model_resolution: tuple[int, int] = (384, 512)
    published_faults: bool = True
    unqueried_take_part: bool = True
    unit_looks: bool = False
    least_area: int = 0
    support_grid: int = PUBLISHED_SUPPORT_GRID
    iterations: int = PUBLISHED_ITERATIONS

    @property
    def corr_side(self) -> int:
        """Side of the correlation neighbourhood, 2 r + 1."""
        return 2 * self.corr_radius + 1

    @property
    def token_width(self) -> int:
        """Visibility, confidence, correlation of all levels, motion encoding."""
        return 2 + len(self.level_strides) * self.corr_out + MOTION_CHANNELS

    @property
    def level_strides(self) -> tuple[float, ...]:
        """Of the maps that are correlated, in pixels of the feature map.

        Pooled from it, the finest first; the one of half its stride comes last.
        """
        pooled = tuple(2.0**i for i in range(self.corr_levels))
        return (*pooled, 0.5) if self.encoder.fine_channels else pooled


# (forward, backward) displacement: 4 values raw, and as sine and cosine of
# MOTION_FREQUENCIES frequencies each.
MOTION_FREQUENCIES = 10
MOTION_CHANNELS = 4 * (1 + 2 * MOTION_FREQUENCIES)

COTRACKER3_OFFLINE = CoTracker3Config(window_len=60, offline=True)
COTRACKER3_ONLINE = CoTracker3Config(window_len=16)
COMPACT = CoTracker3Config(
    window_len=16,
    encoder=EncoderConfig(
        widths=(32, 48, 64, 64),
        fusion_width=96,
        fusion_kernels=(1, 3),
        channels=64,
        fine_channels=32,
    ),
    corr_hidden=192,
    corr_out=96,
    hidden=192,
    heads=4,
    depth=3,
    virtual_tracks=16,
    model_resolution=(256, 256),
    published_faults=False,
    unqueried_take_part=False,
    unit_looks=True,
    # On generated clips of 64 to 192 pixels, where positions are coarse in pixels of
    # the network, nothing else gains as much; above, nothing is gained
    # (docs/quality.md).
    least_area=256 * 256,
    # As good as the published numbers (docs/quality.md), and half the work.
    support_grid=4,
    iterations=3,
)


@dataclass(frozen=True)
class CoTracker2Config:
    """CoTracker 1 and 2 (Karaev et al. 2023), whose track features are learned.

    Parameters
    ----------
    generation : {1, 2}
        1: points attend to each other directly, and are absent before their query;
        2: through virtual tracks.
    window_len : int
        S.
    encoder : EncoderConfig
    corr_levels, corr_radius : int
    hidden, heads, depth : int
        Update transformer.
    virtual_tracks : int
        Of generation 2.
    model_resolution : (H, W)
        Size of generation 2's table of positions, times the stride.
    """

    generation: int
    window_len: int
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    corr_levels: int = 4
    corr_radius: int = 3
    hidden: int = 384
    heads: int = 8
    depth: int = 6
    virtual_tracks: int = 64
    model_resolution: tuple[int, int] = (384, 512)

    @property
    def published_faults(self) -> bool:
        """Always: these networks exist for parity."""
        return True

    @property
    def unqueried_take_part(self) -> bool:
        """Whether points stay in windows before their query."""
        return self.generation == 2

    @property
    def token_width(self) -> int:
        """Displacement, correlation of all levels, track feature, mask, visibility."""
        side = 2 * self.corr_radius + 1
        corr = self.corr_levels * side**2
        return FLOW_CHANNELS + corr + self.encoder.channels + 2


# Displacement (x, y) raw, and sine and cosine of FLOW_FREQUENCIES frequencies each.
FLOW_FREQUENCIES = 32
FLOW_CHANNELS = 2 + 4 * FLOW_FREQUENCIES

NetworkConfig = CoTracker2Config | CoTracker3Config

_STRIDE_8 = EncoderConfig(stride=8)
COTRACKER3_PRESETS: dict[str, CoTracker3Config] = {
    "cotracker3_offline": COTRACKER3_OFFLINE,
    "cotracker3_online": COTRACKER3_ONLINE,
    "compact": COMPACT,
}
PRESETS: dict[str, NetworkConfig] = {
    **COTRACKER3_PRESETS,
    "cotracker2": CoTracker2Config(generation=2, window_len=8),
    "cotracker2v1": CoTracker2Config(generation=2, window_len=16),
    "cotracker1_stride_4_wind_8": CoTracker2Config(generation=1, window_len=8),
    "cotracker1_stride_4_wind_12": CoTracker2Config(generation=1, window_len=12),
    "cotracker1_stride_8_wind_16": CoTracker2Config(
        generation=1, window_len=16, encoder=_STRIDE_8
    ),
}
