"""Windows lie in memory that is used again, but never while anybody looks at it."""

from __future__ import annotations

import gc

import torch

from napari_cotracker.tracking.features.buffers import Buffers

SHAPE = (4, 3, 2)


def test_memory_is_used_again_when_its_tensor_is_gone():
    buffers = Buffers()
    places = set()
    for value in range(5):
        window = buffers.empty(SHAPE, torch.bfloat16)
        window[:] = value
        assert (window == value).all()
        places.add(window.data_ptr())
        del window
        gc.collect()
    assert len(places) == 1


def test_memory_that_a_view_lies_in_is_left_alone():
    buffers = Buffers()
    first = buffers.empty(SHAPE, torch.float32)
    first[:] = 1.0
    view = first[None][:, 1:2].permute(0, 3, 1, 2)
    del first
    gc.collect()
    second = buffers.empty(SHAPE, torch.float32)
    second[:] = 2.0
    assert (view == 1.0).all()


def test_other_sizes_get_memory_of_their_own():
    buffers = Buffers()
    buffers.empty(SHAPE, torch.float32)
    window = buffers.empty((7, 5), torch.bfloat16)
    window[:] = 3.0
    assert window.shape == (7, 5)
    assert window.dtype == torch.bfloat16
    assert (window == 3.0).all()
