"""Gradients written by hand are those of the formulas they belong to."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from napari_cotracker.model.gradients import interpolate, unit_length


def numbers(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(len(shape))
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def test_unit_length_has_the_gradient_of_its_formula():
    features = numbers(2, 3, 5).requires_grad_()

    assert gradcheck(unit_length, features)
    torch.testing.assert_close(
        unit_length(features).norm(dim=-1), torch.ones(2, 3, dtype=torch.float64)
    )


def test_a_feature_of_nothing_stays_nothing():
    features = torch.zeros(1, 4, requires_grad=True)

    out = unit_length(features)
    out.sum().backward()

    assert (out == 0).all()
    assert features.grad is not None
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_interpolation_has_the_gradient_of_its_formula(fraction):
    values = numbers(2, 4, 4, 3).requires_grad_()
    shift = torch.tensor([[fraction, 0.25], [0.5, fraction]], dtype=torch.float64)

    assert gradcheck(lambda shown: interpolate(shown, shift), values)
