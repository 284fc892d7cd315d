"""The dock widget "Point tracker" and what it needs from napari.

Only this package imports Qt or napari; ``layers.coordinates`` alone knows both
conventions, (x, y) pixels and napari's (t, y, x) with scale and translation::

    dock/     what is on the screen: rows of controls, keys, dialogs
    files/    projects, tracks and videos that napari and the dock open and save
    runs/     what can be tracked in a viewer, and the worker that tracks it
    session/  annotations of one image: edits, stale predictions, where they are kept
    layers/   images as recordings, points as anchors, tracks as layers

Each knows only those below it.
"""
