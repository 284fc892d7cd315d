"""Generate the sample clip: ``python -m napari_cotracker.sample.make [FOLDER]``.

A swimmer is painted in its own coordinates (body frame) and put into the picture by
a motion that can be inverted in closed form: bend, stretch, turn, shift. Rendering
runs the motion backwards for every pixel, the truth runs it forwards for every
point, so both agree exactly.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

N_FRAMES = 80
HEIGHT, WIDTH = 192, 256
FPS = 20
SECOND_QUERY_FRAME = 30
CAMERA_DRIFT = np.array([0.22, -0.09])  # background pixels per frame
GRAIN = 2.0  # grey levels


@dataclass(frozen=True)
class Swimmer:
    """One animal: its looks, its way, and the body points that are followed.

    ``half_axes`` in pixels; ``start``/``end`` (x, y) of the centre; ``sway`` in pixels
    across the way; ``turn`` = (first, last) angle in radians; ``marks`` are granules
    at body positions, the first ``n_followed`` of which become tracks.
    """

    name: str
    seed: int
    half_axes: tuple[float, float]
    colour: tuple[float, float, float]
    start: tuple[float, float]
    end: tuple[float, float]
    sway: float
    turn: tuple[float, float]
    beat: float
    marks: tuple[tuple[float, float], ...]
    n_followed: int
    query_frame: int

    def pose(self, frame: int) -> tuple[Floats, Floats, float]:
        """Return centre (2,), matrix (2, 2) and bend in pixels on one frame."""
        s = frame / (N_FRAMES - 1)
        start, end = np.array(self.start), np.array(self.end)
        across = np.array([start[1] - end[1], end[0] - start[0]])
        across = across / max(float(np.hypot(*across)), 1e-9)
        centre = start + (end - start) * s
        centre = centre + across * self.sway * np.sin(2 * np.pi * s)
        angle = self.turn[0] + (self.turn[1] - self.turn[0]) * s
        breath = 1 + 0.07 * np.sin(2 * np.pi * self.beat * s)
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, -sin], [sin, cos]]) @ np.diag([breath, 1 / breath])
        bend = 0.12 * self.half_axes[1] * np.sin(2 * np.pi * self.beat * s + 0.6)
        return centre, matrix, float(bend)

    def to_picture(self, body_xy: Floats, frame: int) -> Floats:
        """Map (..., 2) body positions to pixels."""
        centre, matrix, bend = self.pose(frame)
        wave = bend * np.sin(np.pi * body_xy[..., :1] / self.half_axes[0])
        bent = np.concatenate([body_xy[..., :1], body_xy[..., 1:] + wave], axis=-1)
        return np.asarray(bent @ matrix.T + centre)

    def to_body(self, picture_xy: Floats, frame: int) -> Floats:
        """Map (..., 2) pixels to body positions; the inverse of ``to_picture``."""
        centre, matrix, bend = self.pose(frame)
        bent = (picture_xy - centre) @ np.linalg.inv(matrix).T
        wave = bend * np.sin(np.pi * bent[..., :1] / self.half_axes[0])
        return np.concatenate([bent[..., :1], bent[..., 1:] - wave], axis=-1)

    def depth_inside(self, body_xy: Floats) -> Floats:
        """Return about how many pixels inside the outline a body position lies."""
        a, b = self.half_axes
        u, v = body_xy[..., 0] / a, body_xy[..., 1] / b
        taper = 1 - 0.28 * np.clip(u, -1, 1)  # a blunt head and a narrow tail
        return np.asarray((1 - np.hypot(u, v / taper)) * b)


# Bottom to top: the teal one passes behind the amber one.
SWIMMERS = (
    Swimmer(
        name="teal",
        seed=11,
        half_axes=(36.0, 19.0),
        colour=(66.0, 176.0, 168.0),
        start=(44.0, 62.0),
        end=(204.0, 118.0),
        sway=8.0,
        turn=(0.30, 0.55),
        beat=3.0,
        marks=(
            (20.0, -4.0),
            (2.0, 7.0),
            (-20.0, 3.0),
            (-6.0, -8.0),
            (10.0, 10.0),
            (-28.0, -4.0),
            (27.0, 4.0),
            (9.0, -9.0),
        ),
        n_followed=4,
        query_frame=0,
    ),
    Swimmer(
        name="violet",
        seed=23,
        half_axes=(27.0, 17.0),
        colour=(170.0, 112.0, 196.0),
        start=(206.0, 42.0),
        end=(168.0, 62.0),
        sway=10.0,
        turn=(2.5, 4.1),
        beat=2.0,
        marks=((14.0, 0.0), (-3.0, 7.0), (-15.0, -3.0), (2.0, -9.0), (6.0, 5.0)),
        n_followed=3,
        query_frame=SECOND_QUERY_FRAME,
    ),
    Swimmer(
        name="amber",
        seed=37,
        half_axes=(40.0, 24.0),
        colour=(222.0, 158.0, 62.0),
        start=(150.0, 128.0),
        end=(100.0, 112.0),
        sway=6.0,
        turn=(-1.35, -0.55),
        beat=2.0,
        marks=(
            (24.0, 2.0),
            (5.0, -10.0),
            (-22.0, 4.0),
            (-2.0, 11.0),
            (14.0, 12.0),
            (-12.0, -6.0),
            (16.0, -8.0),
            (-30.0, -3.0),
        ),
        n_followed=4,
        query_frame=0,
    ),
)
GROUND_POINT = (40.0, 150.0)  # picture position on the second query frame


def lattice_noise(points_xy: Floats, cell: float, seed: int) -> Floats:
    """Smooth noise in 0..1 at (..., 2) positions; ``cell`` = grain size in pixels."""
    table = np.random.default_rng(seed).random((64, 64))
    scaled = points_xy / cell
    corner = np.floor(scaled).astype(np.int64)
    part = scaled - corner
    x, y = np.moveaxis(part * part * (3 - 2 * part), -1, 0)
    i, j = corner[..., 0] % 64, corner[..., 1] % 64
    i1, j1 = (i + 1) % 64, (j + 1) % 64
    top = table[j, i] * (1 - x) + table[j, i1] * x
    bottom = table[j1, i] * (1 - x) + table[j1, i1] * x
    return np.asarray(top * (1 - y) + bottom * y)


def texture(points_xy: Floats, seed: int) -> Floats:
    """Three octaves of noise around 0, about -1..1."""
    octaves = ((14.0, 0.5), (6.0, 0.32), (3.0, 0.18))
    total = sum(
        weight * (lattice_noise(points_xy, cell, seed + k) - 0.5)
        for k, (cell, weight) in enumerate(octaves)
    )
    return np.asarray(2 * total)


def paint_ground(grid_xy: Floats, frame: int) -> Floats:
    """Return the (H, W, 3) background: mottled sediment that drifts slowly."""
    ground_xy = grid_xy - CAMERA_DRIFT * frame
    mottle = texture(ground_xy, 101)
    pebbles = np.clip(lattice_noise(ground_xy, 9.0, 131) - 0.72, 0, 1) * 3.2
    grey = 1 + 0.62 * mottle + pebbles
    return np.asarray(grey[..., None] * np.array([46.0, 58.0, 74.0]))


def paint_swimmer(swimmer: Swimmer, body_xy: Floats) -> Floats:
    """Return the (H, W, 3) colours of a swimmer at body positions."""
    depth = swimmer.depth_inside(body_xy)
    light = 1 + 0.42 * texture(body_xy + 200, swimmer.seed)
    light = light * (0.62 + 0.38 * np.clip(depth / 7, 0, 1))
    colours = light[..., None] * np.array(swimmer.colour)
    rng = np.random.default_rng(swimmer.seed)
    for mark in swimmer.marks:
        radius = rng.uniform(2.0, 3.2)
        tint = np.array(swimmer.colour) * rng.uniform(0.18, 0.4)
        if rng.random() < 0.4:
            tint = 255 - 0.35 * (255 - np.array(swimmer.colour))
        away = np.hypot(*np.moveaxis(body_xy - np.array(mark), -1, 0))
        spot = np.clip(radius + 0.5 - away, 0, 1)[..., None]
        colours = colours * (1 - spot) + tint * spot
    rim = np.exp(-(((depth - 1.2) / 1.0) ** 2))[..., None]
    return np.asarray(colours * (1 - 0.45 * rim))


def render(frame: int) -> npt.NDArray[np.uint8]:
    """Return one (H, W, 3) frame."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    grid_xy = np.stack([x, y], axis=-1)
    picture = paint_ground(grid_xy, frame)
    for swimmer in SWIMMERS:
        body_xy = swimmer.to_body(grid_xy, frame)
        cover = np.clip(swimmer.depth_inside(body_xy) + 0.5, 0, 1)[..., None]
        picture = picture * (1 - cover) + paint_swimmer(swimmer, body_xy) * cover
    grain = np.random.default_rng([7, frame]).normal(0, GRAIN, picture.shape)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


def covered(
    points_xy: Floats, frame: int, above: tuple[Swimmer, ...]
) -> npt.NDArray[np.bool_]:
    """Return for (N, 2) pixels whether any of the swimmers ``above`` hides them."""
    hidden = np.zeros(len(points_xy), bool)
    for swimmer in above:
        hidden |= swimmer.depth_inside(swimmer.to_body(points_xy, frame)) > 0
    return hidden


def follow() -> dict[str, npt.NDArray[np.generic]]:
    """Return the exact tracks: positions, visibility, names, query frames."""
    names: list[str] = []
    query_frame: list[int] = []
    xy = np.empty((N_FRAMES, 0, 2))
    visible = np.empty((N_FRAMES, 0), bool)
    for k, swimmer in enumerate(SWIMMERS):
        body_xy = np.array(swimmer.marks[: swimmer.n_followed])
        paths = np.stack([swimmer.to_picture(body_xy, t) for t in range(N_FRAMES)])
        seen = [~covered(paths[t], t, SWIMMERS[k + 1 :]) for t in range(N_FRAMES)]
        xy = np.concatenate([xy, paths], axis=1)
        visible = np.concatenate([visible, np.stack(seen)], axis=1)
        names += [f"{swimmer.name} {i + 1}" for i in range(len(body_xy))]
        query_frame += [swimmer.query_frame] * len(body_xy)
    since = np.arange(N_FRAMES)[:, None] - SECOND_QUERY_FRAME
    ground = (np.array(GROUND_POINT) + CAMERA_DRIFT * since)[:, None]
    seen = [~covered(ground[t], t, SWIMMERS) for t in range(N_FRAMES)]
    xy = np.concatenate([xy, ground], axis=1)
    visible = np.concatenate([visible, np.stack(seen)], axis=1)
    inside = ((xy > -0.5) & (xy < np.array([WIDTH, HEIGHT]) - 0.5)).all(axis=-1)
    return {
        "tracks_xy": xy.astype(np.float32),
        "visible": visible & inside,
        "name": np.array([*names, "ground"]),
        "query_frame": np.array([*query_frame, SECOND_QUERY_FRAME]),
        "size": np.array([HEIGHT, WIDTH]),
        "fps": np.array(float(FPS)),
    }


def write_video(path: Path) -> None:
    """Write the clip as H.264, 4:2:0, which every player reads."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # One thread: the same bytes on every machine with the same libraries.
        stream.options = {"crf": "16", "preset": "veryslow", "threads": "1"}
        for t in range(N_FRAMES):
            picture = av.VideoFrame.from_ndarray(render(t), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def main() -> None:
    """Write ``swimmers.mp4`` and ``swimmers.npz``."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    write_video(folder / "swimmers.mp4")
    np.savez_compressed(folder / "swimmers.npz", allow_pickle=False, **follow())


if __name__ == "__main__":
    main()
