"""What training pulls at."""

import torch

from napari_cotracker.training.losses import distance_loss


def test_far_errors_count_more_but_pull_less_than_near_ones():
    error = torch.tensor([0.0, 0.5, 1, 4, 16, 40], requires_grad=True)
    loss = distance_loss(error)
    loss.sum().backward()
    assert (loss.diff() > 0).all()
    assert error.grad[0] == 0
    assert torch.allclose(error.grad[2:5], torch.tensor([0.94, 0.51, 0.15]), atol=0.01)
