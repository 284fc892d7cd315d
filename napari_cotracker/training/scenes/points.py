"""Choose surface points of a scene and follow them exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from napari_cotracker.training.scenes.render import inside, top_layer_at

if TYPE_CHECKING:
    from torch import Tensor

    from napari_cotracker.training.scenes.draw import Draw
    from napari_cotracker.training.scenes.layers import Scene

# Parts of the points on the foreground, near outlines, and on the background.
SHARES = (0.5, 0.25, 0.25)
TEXTURED = 0.6
QUERY_FRAMES = 4
HIDDEN_BONUS = 2.0
ATTEMPTS = 8
SEEN_AT_LEAST = 2


def follow_points(
    draw: Draw, scene: Scene, picture: Tensor, top: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Choose points and return where they are and whether they are seen.

    Parameters
    ----------
    draw : Draw
    scene : Scene
    picture, top :
        What :func:`~.render.render_layers` returned.
    count : int
        N.

    Returns
    -------
    tracks_xy : (T, N, 2) float64
    visible : (T, N) bool
        Every point is seen on at least two frames, or on one where a scene shows
        too few twice.
    """
    parts = []
    for attempt in range(ATTEMPTS):
        parts.append(_candidates(draw, scene, picture, top, 2 * count))
        tracks, seen = (torch.cat(part, 1) for part in zip(*parts, strict=True))
        enough = seen.sum(0) >= (SEEN_AT_LEAST if attempt < ATTEMPTS - 1 else 1)
        if int(enough.sum()) >= count:
            break
    tracks, seen = tracks[:, enough], seen[:, enough]
    if tracks.shape[1] < count:
        # A scene that shows too little twice repeats points rather than invent some.
        chosen = draw.sparse(tracks.new_ones(tracks.shape[1]), count)
    else:
        # Points that get hidden are rare and worth more: Gumbel picks by weight.
        weight = 1 + HIDDEN_BONUS * (~seen).any(0)
        key = weight.log() - (-draw.rand(len(weight)).clamp_min(1e-9).log()).log()
        chosen = key.argsort(descending=True)[:count]
    return tracks[:, chosen], seen[:, chosen]


def _candidates(
    draw: Draw, scene: Scene, picture: Tensor, top: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    frames, _, height, width = picture.shape
    places = draw.rand(min(frames, QUERY_FRAMES)) * frames
    queries = places.long().clamp_max(frames - 1)
    each = -(-count // len(queries))
    followed = torch.tensor([layer.followed for layer in scene.layers]).to(top.device)
    xy = torch.stack(
        [
            _places(draw, picture[q], top[q], followed[top[q].long()].float(), each)
            for q in queries
        ]
    )
    at_query = tuple(layer.at(queries) for layer in scene.layers)
    owner = top_layer_at(at_query, xy)  # (Q, n)
    tracks = torch.zeros(frames, *owner.shape, 2, dtype=torch.float64, device=xy.device)
    usable = torch.zeros_like(owner, dtype=torch.bool)
    for index, (layer, then) in enumerate(zip(scene.layers, at_query, strict=True)):
        mine = owner == index
        if not layer.followed or not bool(mine.any()):
            continue
        material = then.warp.material_at(xy)[mine]
        tracks[:, mine] = layer.warp.frame_at(material)
        # Beyond its canvas the background is a mirror image: not a surface point.
        usable[mine] = (material.abs() <= layer.half_xy).all(-1)
    tracks, owner, usable = tracks.flatten(1, 2), owner.flatten(), usable.flatten()
    tracks, owner = tracks[:, usable], owner[usable]
    on_top = top_layer_at(scene.layers, tracks) == owner
    visible = on_top & inside(tracks, (height, width))
    return tracks, visible


def _places(
    draw: Draw, frame: Tensor, top: Tensor, allowed: Tensor, count: int
) -> Tensor:
    """Draw (count, 2) places of one frame, by kind of place and by texture."""
    width = top.shape[1]
    front = (top > 0).float()
    layer = top.float()[None, None]
    spread = F.max_pool2d(layer, 5, 1, 2) + F.max_pool2d(-layer, 5, 1, 2)
    edge = (spread[0, 0] > 0).float()
    slope = steepness(frame)
    masks = (front * (1 - edge), edge, 1 - front)
    chance = sum(
        share
        * _normal((1 - TEXTURED) * _normal(mask) + TEXTURED * _normal(mask * slope))
        for share, mask in zip(SHARES, masks, strict=True)
    )
    assert isinstance(chance, torch.Tensor)
    pixel = draw.sparse((chance * allowed).flatten() + 1e-9, count)
    xy = torch.stack([pixel % width, pixel // width], -1).double()
    return xy + draw.rand(count, 2).double() - 0.5


def _normal(weights: Tensor) -> Tensor:
    return weights / weights.sum().clamp_min(1e-9)


def steepness(frame: Tensor) -> Tensor:
    """Return gradient and spot strength (H, W) of one (C, H, W) picture."""
    grey = F.pad(frame.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across = grey[1:-1, 2:] - grey[1:-1, :-2]
    down = grey[2:, 1:-1] - grey[:-2, 1:-1]
    # Spots have their middle where the gradient vanishes.
    centre = grey[1:-1, 1:-1] - F.avg_pool2d(grey[None], 3, 1)[0]
    return torch.hypot(across, down) + 2 * centre.abs()
