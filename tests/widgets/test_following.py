"""The image is scaled or moved after the run: the results stay on its pixels."""

import numpy as np
from dock_window import Window

PLACE = {"scale": (1, 0.5, 0.25), "translate": (0, 7, -3), "units": ("s", "um", "um")}


def move(image):
    for name, value in PLACE.items():
        setattr(image, name, value)


def assert_in_place(desk):
    for name in ("clip tracked", "clip trails"):
        layer = desk.viewer.layers[name]
        assert layer.scale.tolist() == list(PLACE["scale"]), name
        assert layer.translate.tolist() == list(PLACE["translate"]), name
        assert layer.units == desk.image.units, name


def test_a_point_is_dragged_to_the_pixel_under_the_mouse(desk):
    move(desk.image)
    assert_in_place(desk)
    desk.viewer.reset_view()
    start = desk.place_of(12, 1)
    goal = start + np.array([8, 6])
    desk.canvas.drag(desk.image, start, goal)
    desk.wait(desk["undo"].isEnabled)
    desk.quiet()
    assert np.allclose(desk.tracks.xy[12, 1, ::-1], goal, atol=1)


def test_results_follow_an_image_that_was_moved_while_the_dock_was_closed(desk):
    desk.holder.destroyOnClose()  # what its x does
    move(desk.image)
    assert desk.tracked.scale.tolist() == [1, 1, 1]
    Window(desk.viewer, desk.recorder.engine, desk.qtbot)
    assert_in_place(desk)
