"""Procedural video with exact tracks: the only truth the small model learns from.

Map::

    options.py    what a scene may contain, and what comes back
    draw.py       the seeded source of every random decision
    textures.py, domain_textures.py, held_out_textures.py, photos.py    patterns
    surfaces.py   which pattern suits which family, and its colours
    shapes.py     outlines of layers
    motion.py     how surfaces move: affine and elastic, with an exact inverse
    paths.py      random motion over time
    layers.py     a layer and a scene
    objects.py    the workbench: grounds, free things
    bodies.py, particles.py, covers.py
                  jointed bodies; swarms, balls, cells; what comes between
    families.py   families of scenes: which things, how fast, which camera
    render.py     pixels and visibility from the same equations
    points.py     which surface points are followed
    photometry.py what the camera does to the picture
    clip.py       all of it together; validation.py fixed sets
"""

from napari_cotracker.training.scenes.clip import render_clip
from napari_cotracker.training.scenes.options import (
    FAMILIES,
    SceneOptions,
    SyntheticClip,
)
from napari_cotracker.training.scenes.validation import (
    SPLITS,
    VALIDATION_VERSION,
    validation_clips,
)

__all__ = [
    "FAMILIES",
    "SPLITS",
    "VALIDATION_VERSION",
    "SceneOptions",
    "SyntheticClip",
    "render_clip",
    "validation_clips",
]
