"""The published predictors, faults included (reference/spec.md, 5.8).

Whole recordings at once: every frame is resized regardless of its aspect ratio, 36
support points stand on the first frame, what lies before a query is reported too, and
confidence is ignored. Use it to compare with published numbers, not to work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from napari_cotracker.errors import InputError
from napari_cotracker.model.config import PUBLISHED_SUPPORT_GRID
from napari_cotracker.model.cotracker1 import CoTracker1
from napari_cotracker.model.cotracker2 import CoTracker2
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.tracking.options import TrackingOptions
from napari_cotracker.tracking.progress import Progress
from napari_cotracker.tracking.windows.inference import guarded_inference
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from napari_cotracker.tracks import Constraints, Queries
    from napari_cotracker.video import FrameSource

RESOLUTION = (384, 512)
ITERATIONS = 6
VISIBLE_ABOVE = 0.9
_NOT_PUBLISHED = (
    "first_frame",
    "last_frame",
    "horizon",
    "iterations",
    "region",
    "local_support",
    "visibility_threshold",
)


@dataclass(frozen=True)
class Geometry:
    """How positions of an (H, W) recording and of the (h, w) model frame relate.

    ``corners``: CoTracker 1 aligns the corners of the outermost pixels, its successors
    their centres.
    """

    size: tuple[int, int]
    model_size: tuple[int, int]
    corners: bool

    @property
    def scale_xy(self) -> Tensor:
        """Model-frame pixels per pixel, (2,)."""
        pixels = torch.tensor(self.size[::-1], dtype=torch.float32)
        model_pixels = torch.tensor(self.model_size[::-1], dtype=torch.float32)
        if self.corners:
            return model_pixels / pixels
        return (model_pixels - 1) / (pixels - 1)

    def resize(self, frames: Tensor) -> Tensor:
        """Resize (T, 3, H, W) frames, without antialiasing as published."""
        return F.interpolate(
            frames, self.model_size, mode="bilinear", align_corners=not self.corners
        )

    def support_txy(self, side: int) -> Tensor:
        """Return the support grid on frame 0, (side * side, 3)."""
        height, width = self.model_size
        # The margin follows from the width on both axes, as published.
        margin = width // 64 if self.corners else width / 64
        x = torch.linspace(margin, width - margin, side)
        y = torch.linspace(margin, height - margin, side)
        rows, columns = torch.meshgrid(y, x, indexing="ij")
        flat = (torch.zeros(side**2), columns.flatten(), rows.flatten())
        return torch.stack(flat, dim=1)


def check_reference(network: object, anchors: Queries) -> None:
    """Refuse what no published predictor could do (:class:`InputError`)."""
    published = isinstance(network, CoTracker2) or (
        isinstance(network, CoTracker3) and network.config.published_faults
    )
    if not published:
        raise InputError(
            "reference=True reproduces a published predictor and needs a published "
            "checkpoint; set reference=False for this model."
        )
    if len(anchors) != len(anchors.tracks):
        raise InputError(
            "reference=True takes one anchor per track, as the published predictors "
            "do; set reference=False to use several."
        )


def check_reference_options(
    options: TrackingOptions, constraints: Constraints | None
) -> None:
    """Refuse to ignore what was asked for (:class:`InputError`)."""
    usual = TrackingOptions()
    given = [k for k in _NOT_PUBLISHED if getattr(options, k) != getattr(usual, k)]
    if options.direction == "backward":
        given.append("direction='backward'")
    if constraints:
        given.append("constraints")
    if given:
        raise InputError(
            f"reference=True reproduces a published predictor, which has no "
            f"{', '.join(given)}; leave that out, or set reference=False."
        )


def track_reference(
    source: FrameSource,
    anchors: Queries,
    network: CoTracker2 | CoTracker3,
    options: TrackingOptions,
) -> Iterator[Progress]:
    """Run the published predictor of the network; two steps with ``both``.

    ``direction`` "both" is the published ``backward_tracking=True``, "forward" is
    False; ``support_grid`` 0 leaves the support points out, as the published grids do.
    """
    backward = options.direction == "both"
    frames = torch.from_numpy(source.read(0, len(source))).permute(0, 3, 1, 2)
    geometry = Geometry(
        source.size,
        options.model_resolution or RESOLUTION,
        isinstance(network, CoTracker1),
    )
    queries_txy = torch.from_numpy(anchors.txy)
    queries_txy[:, 1:] *= geometry.scale_xy
    side = options.support_grid
    side = PUBLISHED_SUPPORT_GRID if side is None else side
    if side:
        support = geometry.support_txy(side)
        queries_txy = torch.cat([queries_txy, support])
    device = network.time_emb.device
    answer = None
    for step in range(1 + backward):
        with guarded_inference("the recording"):
            video = geometry.resize(frames.float()).to(device)
            now = _predict(network, video, queries_txy, reverse=step == 1)
        keep = np.s_[:, : len(anchors)]
        part = tuple(values[keep] for values in now)
        answer = part if answer is None else _merge(answer, part, anchors, geometry)
        tracks = _tracks(answer, anchors, geometry, source)
        yield Progress(step + 1, 1 + backward, tracks, (0, len(source) - 1))


Answer = tuple["np.ndarray", ...]


def _predict(
    network: CoTracker2 | CoTracker3,
    video: Tensor,
    queries_txy: Tensor,
    *,
    reverse: bool,
) -> Answer:
    """Positions (T, P, 2) model-frame pixels, visibility and confidence (T, P)."""
    queries_txy = queries_txy.clone()
    if reverse:
        video = video.flip(0)
        queries_txy[:, 0] = len(video) - 1 - queries_txy[:, 0]
    prediction = network.predict(video, queries_txy, ITERATIONS)
    confidence = prediction.confidence
    if confidence is None:
        confidence = prediction.visibility
    parts = (prediction.xy, prediction.visibility, confidence)
    return tuple((p.flip(0) if reverse else p).cpu().numpy() for p in parts)


def _merge(ahead: Answer, back: Answer, anchors: Queries, geometry: Geometry) -> Answer:
    """Take the backward answer before each query."""
    times = np.arange(len(ahead[0]))[:, None]
    before = times < anchors.frame
    merged = [
        np.where(before[..., None] if a.ndim == 3 else before, b, a)
        for a, b in zip(ahead, back, strict=True)
    ]
    if geometry.corners:
        # CoTracker 1 fills in element by element where the forward answer is 0.
        missing = ahead[0] == 0
        merged[0] = np.where(missing, back[0], ahead[0])
        merged[1:] = [
            np.where(missing[..., 0], b, a)
            for a, b in zip(ahead[1:], back[1:], strict=True)
        ]
    return tuple(merged)


def _tracks(
    answer: Answer, anchors: Queries, geometry: Geometry, source: FrameSource
) -> Tracks:
    xy, visibility, confidence = answer
    column = np.arange(len(anchors))
    positions = xy / geometry.scale_xy.numpy()
    positions[anchors.frame, column] = anchors.xy
    visible = visibility > VISIBLE_ABOVE
    visible[anchors.frame, column] = True
    origin = np.full(visible.shape, Source.MODEL, np.uint8)
    origin[anchors.frame, column] = Source.MANUAL
    return Tracks(
        xy=positions,
        visibility=visibility,
        confidence=confidence,
        visible=visible,
        source=origin,
        point_id=anchors.point_id,
        name=anchors.name,
        fps=source.fps,
        size=geometry.size,
        times=source.times,
    )
