"""Points, trails and names drawn on one frame."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from napari_cotracker.errors import InputError
from napari_cotracker.overlay.lettering import font_for
from napari_cotracker.tracks import Source

if TYPE_CHECKING:
    from napari_cotracker.tracks import Tracks
    from napari_cotracker.video import FrameSource

# Pillow draws hard edges; drawing twice as large and shrinking smooths them.
_SMOOTHING = 2
# The fraction of the colour circle that keeps neighbours far apart.
_GOLDEN = 0.618034
_MOST_NAMES = 30
_HALO = (0, 0, 0, 150)


@dataclass(frozen=True)
class Marks:
    """How tracks are drawn.

    Parameters
    ----------
    trail : int
        Frames that the fading line behind a point reaches back; 0 = none.
    radius : float or None
        Of a point, in drawn pixels; None = by the size of the frame.
    names : bool or None
        Whether to write names; None = for up to 30 tracks.

    Raises
    ------
    InputError
        A value is negative, or the radius no finite number.
    """

    trail: int = 12
    radius: float | None = None
    names: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        drawable = self.radius is None or 0 < self.radius < float("inf")
        if self.trail < 0 or not drawable:
            raise InputError(
                f"trail={self.trail} and radius={self.radius} were given; expected "
                "a trail of 0 or more frames and a radius above 0."
            )

    def draw(
        self,
        frame: npt.NDArray[np.uint8],
        tracks: Tracks,
        number: int,
        scale: float = 1.0,
    ) -> npt.NDArray[np.uint8]:
        """Draw the tracks of one frame: a disc where visible, a ring where hidden.

        Points placed by a person have a white rim.

        Parameters
        ----------
        frame : (H, W, 3) uint8
            The picture, already enlarged by ``scale``.
        tracks : Tracks
        number : int
            Which frame of the tracks this is; nothing is drawn after their last.
        scale : float
            Drawn pixels per pixel of the recording.

        Returns
        -------
        drawn : (H, W, 3) uint8
            A new picture.
        """
        if number >= tracks.n_frames:
            return frame.copy()
        height, width = frame.shape[:2]
        layer = Image.new("RGBA", (width * _SMOOTHING, height * _SMOOTHING))
        pen = ImageDraw.Draw(layer)
        first = max(0, number - self.trail)
        # Pixel centres are whole numbers in the recording and on the layer alike.
        zoom = scale * _SMOOTHING
        recent_xy = (tracks.xy[first : number + 1] + 0.5) * zoom - 0.5
        radius = _SMOOTHING * (self.radius or max(2.5, min(height, width) / 110))
        for n in range(tracks.n_tracks):
            self._draw_trail(pen, recent_xy[:, n], colour_of(n), radius)
        with_names = (
            tracks.n_tracks <= _MOST_NAMES if self.names is None else self.names
        )
        for n in np.flatnonzero(np.isfinite(recent_xy[-1]).all(axis=-1)).tolist():
            x, y = (float(v) for v in recent_xy[-1, n])
            seen = bool(tracks.visible[number, n])
            placed = bool(tracks.source[number, n] == Source.MANUAL)
            _draw_point(pen, (x, y), radius, colour_of(n), seen=seen, placed=placed)
            if with_names:
                _draw_name(pen, (x + 1.6 * radius, y), tracks.name[n], radius)
        marks = layer.reduce(_SMOOTHING)
        picture = Image.fromarray(frame).convert("RGBA")
        return np.asarray(Image.alpha_composite(picture, marks).convert("RGB"))

    def _draw_trail(
        self,
        pen: ImageDraw.ImageDraw,
        line_xy: npt.NDArray[np.float32],
        colour: tuple[int, int, int],
        radius: float,
    ) -> None:
        known = np.atleast_1d(np.isfinite(line_xy).all(axis=-1))
        width = max(1, round(radius * 0.6))
        both = np.logical_and(known[:-1], known[1:])
        for i in np.flatnonzero(both).tolist():
            age = len(line_xy) - 2 - i
            opacity = round(220 * (1 - age / max(1, self.trail)))
            ends = [(float(x), float(y)) for x, y in line_xy[i : i + 2]]
            pen.line(ends, fill=(*colour, opacity), width=width)


def colour_of(track: int) -> tuple[int, int, int]:
    """Return the colour of the n-th track, red, green, blue in 0..255."""
    hue = (0.02 + track * _GOLDEN) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.8, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def check_fit(source: FrameSource, tracks: Tracks, *, shorter: bool = False) -> None:
    """Refuse tracks of another recording.

    Parameters
    ----------
    source : FrameSource
    tracks : Tracks
    shorter : bool
        Whether the tracks may end before the recording, as they do in file formats
        that hold no number of frames.

    Raises
    ------
    InputError
        Number of frames or frame size differ.
    """
    ends_early = shorter and tracks.n_frames < len(source)
    if tracks.n_frames != len(source) and not ends_early:
        raise InputError(
            f"The tracks have {tracks.n_frames} frames, but {source.name} has "
            f"{len(source)}; give the recording that was tracked."
        )
    if tracks.size not in ((0, 0), source.size):
        raise InputError(
            f"The tracks belong to frames of {tracks.size[1]} x {tracks.size[0]} "
            f"pixels, but {source.name} has {source.size[1]} x {source.size[0]}; give "
            "the recording that was tracked."
        )


def _draw_point(
    pen: ImageDraw.ImageDraw,
    centre_xy: tuple[float, float],
    radius: float,
    colour: tuple[int, int, int],
    *,
    seen: bool,
    placed: bool,
) -> None:
    def ring(r: float, **look: object) -> None:
        x, y = centre_xy
        pen.ellipse((x - r, y - r, x + r, y + r), **look)  # type: ignore[arg-type]

    line = max(1, round(radius * 0.4))
    rim = (255, 255, 255, 255) if placed else _HALO
    if seen:
        ring(radius + line, fill=rim)
        ring(radius, fill=(*colour, 255))
    else:
        # Wider, so that what lies under a small ring can still be seen.
        ring(1.3 * radius + 2 * line, outline=rim, width=line)
        ring(1.3 * radius + line, outline=(*colour, 255), width=line)


def _draw_name(
    pen: ImageDraw.ImageDraw, left_xy: tuple[float, float], name: str, radius: float
) -> None:
    text = " ".join(name.split())
    font = font_for(text, round(max(10 * _SMOOTHING, 2.2 * radius)))
    pen.text(
        left_xy,
        text,
        font=font,
        anchor="lm",
        fill=(255, 255, 255, 255),
        stroke_width=_SMOOTHING,
        stroke_fill=(0, 0, 0, 200),
    )
