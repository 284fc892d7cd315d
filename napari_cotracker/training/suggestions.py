"""Beginnings that optical flow would suggest, right and wrong ones.

A user's fast points begin a window from where Lucas-Kanade went as well, and of both
answers the one that the network trusts more is taken (``tracking/sharpening``). So it
has to keep to a way that is right and to know one that is not: these are simulated from
the truth, which costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.model.interface import WindowState

# Of the points.
SHARE = 1 / 3
# Pixels per frame by which a path drifts, log-uniform.
LEAST_DRIFT, MOST_DRIFT = 0.03, 1.0
# Chance per frame of losing a point that is seen, and of finding it again: what moves
# on from a wrong place is as wrong in the next frame.
LOSE, FIND = 0.06, 0.1


def suggest_paths(
    tracks_xy: Tensor, visible: Tensor, generator: torch.Generator
) -> Tensor:
    """Simulate where flow would lead points from frame to frame.

    A path drifts. Where its point is hidden, and now and then where it is not, it rests
    or goes on with another point until the point is found again.

    Parameters
    ----------
    tracks_xy : (T, N, 2)
    visible : (T, N) bool
    generator : torch.Generator

    Returns
    -------
    (T, N, 2)
        Only its steps mean anything; NaN for points that get no suggestion.
    """
    n_frames, n_points = visible.shape

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator).to(tracks_xy.device)

    truth = tracks_xy.diff(dim=0)
    drift = LEAST_DRIFT * (MOST_DRIFT / LEAST_DRIFT) ** draw(n_points)
    # Uniform, with the drift as its standard deviation.
    noise = (draw(n_frames - 1, n_points, 2) - 0.5) * (12**0.5 * drift)[:, None]
    loses, finds = draw(n_frames - 1, n_points), draw(n_frames - 1, n_points)
    lost = torch.zeros(n_points, dtype=torch.bool, device=tracks_xy.device)
    strays = torch.zeros_like(visible[1:])
    for i in range(n_frames - 1):
        seen = visible[i] & visible[i + 1]
        lost = (lost & (finds[i] >= FIND)) | ~seen | (loses[i] < LOSE)
        strays[i] = lost
    other = torch.randperm(n_points, generator=generator).to(tracks_xy.device)
    moves_on = draw(n_points) < 0.5
    astray = truth[:, other] * moves_on[:, None]
    steps = torch.where(strays[..., None], astray, truth + noise)
    path = torch.cat([torch.zeros_like(tracks_xy[:1]), steps.cumsum(dim=0)])
    suggested = draw(n_points) < SHARE
    return torch.where(suggested[:, None], path, torch.nan)


def begin_as_suggested(
    state: WindowState, paths: Tensor, known_place: Tensor
) -> WindowState:
    """Let points go on from where they are known as paths suggest.

    Parameters
    ----------
    state : WindowState
        (B, S, N, ...): how a window would begin.
    paths : (B, S, N, 2)
        See :func:`suggest_paths`.
    known_place : (B, N) int64
        Last place at which the state knows the position.
    """
    places = torch.arange(state.xy.shape[1], device=known_place.device)
    later = places[None, :, None] > known_place[:, None]
    at = known_place[:, None, :, None].expand(-1, 1, -1, 2)
    way = state.xy.gather(1, at) + paths - paths.gather(1, at)
    taken = later[..., None] & way.isfinite()
    return state._replace(xy=torch.where(taken, way, state.xy))
