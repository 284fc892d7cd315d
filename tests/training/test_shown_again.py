"""Training shows points more than once, as people who correct do."""

from __future__ import annotations

from dataclasses import replace

import torch

from napari_cotracker.model.config import COTRACKER3_PRESETS
from napari_cotracker.model.cotracker3 import CoTracker3
from napari_cotracker.training.batches import SIGHTINGS, make_batch
from napari_cotracker.training.options import TrainOptions
from napari_cotracker.training.windows import tracking_loss


def test_further_sightings_are_frames_where_the_point_is_seen():
    batch = make_batch(TrainOptions(stage="long", seed=3), 0, 16)
    own = batch.queries_txy[..., 0].long()[:, None]
    assert batch.sightings.shape == (1, SIGHTINGS, own.shape[2])
    other = batch.sightings != own
    assert batch.visible.gather(1, batch.sightings)[other].all()
    several = other.any(dim=1).float().mean()
    assert 0.2 < several < 0.6
    again = make_batch(TrainOptions(stage="long", seed=3), 0, 16)
    assert torch.equal(batch.sightings, again.sightings)


def test_the_loss_depends_on_what_further_sightings_show():
    torch.manual_seed(1)
    network = CoTracker3(COTRACKER3_PRESETS["compact"])
    batch = make_batch(TrainOptions(stage="smoke", seed=3), 0, 16)
    own = batch.queries_txy[..., 0].long()[:, None].expand_as(batch.sightings)
    losses, asked = [], []
    sample = network.sample
    for frames in (own, own, batch.sightings):
        network.sample = lambda *a: asked.append(a[1]) or sample(*a)
        with torch.no_grad():
            loss, _ = tracking_loss(network, replace(batch, sightings=frames), 2)
        losses.append(float(loss))
    assert losses[0] == losses[1] != losses[2]
    shown = asked[-1].unflatten(1, (1 + SIGHTINGS, -1))
    assert torch.equal(shown[:, 0], batch.queries_txy)
    for k in range(SIGHTINGS):
        frame, xy = shown[0, 1 + k, :, 0].long(), shown[0, 1 + k, :, 1:]
        truth = batch.tracks_xy[0, frame, torch.arange(len(frame))]
        assert torch.equal(frame, batch.sightings[0, k]) and torch.equal(xy, truth)
