"""Simulated flow follows what is seen, strays where that is hidden, begins windows."""

from __future__ import annotations

import torch

from napari_cotracker.model.interface import WindowState
from napari_cotracker.training import suggestions
from napari_cotracker.training.suggestions import begin_as_suggested, suggest_paths

FRAMES, POINTS = 12, 300


def moving_points() -> torch.Tensor:
    """Points that go different ways at constant speed, (T, N, 2)."""
    speed = torch.randn(POINTS, 2, generator=torch.Generator().manual_seed(1))
    return torch.arange(FRAMES)[:, None, None] * speed


def paths_of(tracks_xy, monkeypatch, lose=0.0, hidden_from=FRAMES):
    monkeypatch.setattr(suggestions, "LOSE", lose)
    visible = torch.ones(FRAMES, POINTS, dtype=torch.bool)
    visible[hidden_from:] = False
    return suggest_paths(tracks_xy, visible, torch.Generator().manual_seed(3))


def test_a_third_of_the_points_get_a_path(monkeypatch):
    tracks_xy = moving_points()
    known = paths_of(tracks_xy, monkeypatch).isfinite().all(-1)
    assert torch.equal(known.all(0), known.any(0))
    assert 0.25 < known[0].float().mean() < 0.42


def test_points_that_are_seen_are_followed_but_for_drift(monkeypatch):
    tracks_xy = moving_points()
    path = paths_of(tracks_xy, monkeypatch)
    off = (path - tracks_xy).diff(dim=0)[:, path[0].isfinite().all(-1)]
    assert 0 < off.abs().max() <= 12**0.5 / 2 * suggestions.MOST_DRIFT


def test_hidden_points_are_lost_to_rest_or_to_another(monkeypatch):
    tracks_xy = moving_points()
    path = paths_of(tracks_xy, monkeypatch, hidden_from=5)
    path = path[:, path[0].isfinite().all(-1)]
    step = path.diff(dim=0)[5:]
    assert (step - step[:1]).abs().max() < 1e-4
    rests = (step[0].abs() < 1e-4).all(-1)
    assert 0.3 < rests.float().mean() < 0.7
    others = tracks_xy.diff(dim=0)[0]
    apart = (step[0][~rests, None] - others).norm(dim=-1)
    assert apart.min(dim=1).values.max() < 1e-4


def test_some_that_are_seen_are_lost_all_the_same(monkeypatch):
    tracks_xy = moving_points()
    path = paths_of(tracks_xy, monkeypatch, lose=0.5)
    off = (path - tracks_xy).diff(dim=0).abs().amax(-1)
    assert (off > 12**0.5 / 2 * suggestions.MOST_DRIFT).any()


def test_a_window_goes_on_from_where_a_point_is_known():
    xy = torch.randn(1, 6, 2, 2)
    zeros = torch.zeros(1, 6, 2)
    paths = torch.full((1, 6, 2, 2), torch.nan)
    paths[0, :, 0] = 10 + torch.arange(6.0)[:, None] * torch.tensor([2.0, -1.0])
    begun = begin_as_suggested(
        WindowState(xy, zeros, zeros), paths, torch.tensor([[3, 0]])
    )
    assert torch.equal(begun.xy[:, :, 1], xy[:, :, 1])
    assert torch.equal(begun.xy[0, :4, 0], xy[0, :4, 0])
    way = xy[0, 3, 0] + torch.tensor([[2.0, -1.0], [4.0, -2.0]])
    torch.testing.assert_close(begun.xy[0, 4:, 0], way)
