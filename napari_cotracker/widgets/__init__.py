"""The dock widget "Point tracker" and what it needs from napari.

Only this package imports Qt or napari; ``coordinates`` alone knows both
conventions, (x, y) pixels and napari's (t, y, x) with scale and translation::

    point_tracker  the dock: rows of controls, no logic      runner  the worker
    controller     what can be run, and the run itself       engine  what it calls
    session        results of one image: tracks, edits, history
    result_layers  the two layers that show them             edits   undoable edits
    anchors        the user's points as queries              image_input  axes, slices
"""
