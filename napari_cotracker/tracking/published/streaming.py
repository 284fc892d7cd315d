"""The published streaming predictor (reference/spec.md, 5.8): chunks in, tracks out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_cotracker.errors import InputError
from napari_cotracker.model.cotracker1 import CoTracker1
from napari_cotracker.model.windowed import WindowStream
from napari_cotracker.tracking.published.predictor import (
    ITERATIONS,
    RESOLUTION,
    Geometry,
    check_reference,
)
from napari_cotracker.tracking.windows.inference import guarded_inference
from napari_cotracker.tracks import Source, Tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_cotracker.model.cotracker2 import CoTracker2
    from napari_cotracker.model.cotracker3 import CoTracker3
    from napari_cotracker.tracks import Queries

VISIBLE_ABOVE = 0.6


class ReferenceStream:
    """Follow points through frames as they arrive, as published.

    Anchors are not pinned and there is no backward pass: what lies before a query or
    on it is whatever the network says.

    Parameters
    ----------
    network : CoTracker2 or CoTracker3
        A published online checkpoint.
    anchors : Queries
        One per track; frames count from the first chunk's first frame.
    size : (H, W)
        Of the frames.
    model_resolution : (h, w)
    support_grid : int
        Side of the support grid on frame 0; 0 = none.

    Raises
    ------
    InputError
        The network does not work window by window, or is not a published one.
    """

    def __init__(
        self,
        network: CoTracker2 | CoTracker3,
        anchors: Queries,
        size: tuple[int, int],
        *,
        model_resolution: tuple[int, int] = RESOLUTION,
        support_grid: int = 0,
    ) -> None:
        check_reference(network, anchors)
        if network.window_len is None or isinstance(network, CoTracker1):
            raise InputError(
                "This network needs the whole recording at once; stream with "
                "cotracker2, cotracker2v1 or cotracker3_online."
            )
        self._network = network
        self._anchors = anchors
        self._geometry = Geometry(size, model_resolution, corners=False)
        self._chunk = network.window_len
        self._n_frames = 0
        queries_txy = torch.from_numpy(anchors.txy)
        queries_txy[:, 1:] *= self._geometry.scale_xy
        if support_grid:
            support = self._geometry.support_txy(support_grid)
            queries_txy = torch.cat([queries_txy, support])
        device = network.time_emb.device
        self._stream = WindowStream(network, queries_txy[None].to(device), ITERATIONS)

    def push(self, frames: npt.NDArray[np.uint8]) -> Tracks:
        """Take in a chunk and say where everything is so far.

        Parameters
        ----------
        frames : (n, H, W, 3) uint8
            One window; each chunk begins half a window after the one before, and only
            the last may be short.

        Returns
        -------
        Tracks
            From the first frame to the last one of this chunk.
        """
        network = self._network
        expected = (*self._geometry.size, 3)
        if frames.shape[1:] != expected or not 0 < len(frames) <= self._chunk:
            raise InputError(
                f"The chunk has shape {frames.shape}; expected 1 to {self._chunk} "
                f"frames of shape {expected}."
            )
        with guarded_inference("this chunk"):
            video = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
            video = self._geometry.resize(video.float()).to(network.time_emb.device)
            self._stream.push(network.encode(video[None]))
            overlap = network.window_step if self._n_frames else 0
            self._n_frames += len(frames) - overlap
            state = self._stream.answer(self._n_frames)
        keep = np.s_[0, :, : len(self._anchors)]
        xy, visibility, confidence = (v[keep].cpu() for v in state)
        visibility = visibility.sigmoid()
        confidence = confidence.sigmoid() if network.has_confidence else visibility
        belief = visibility * confidence if network.has_confidence else visibility
        return Tracks(
            xy=(xy / self._geometry.scale_xy).numpy(),
            visibility=visibility.numpy(),
            confidence=confidence.numpy(),
            visible=(belief > VISIBLE_ABOVE).numpy(),
            source=np.full(belief.shape, Source.MODEL, np.uint8),
            point_id=self._anchors.point_id,
            name=self._anchors.name,
            fps=None,
            size=self._geometry.size,
        )
