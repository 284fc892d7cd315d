"""The checkpoints published by the authors of CoTracker: addresses and terms only.

Their digests were never published, so none is pinned here: the first download is.
"""

from __future__ import annotations

from napari_cotracker.weights.record import ModelRecord

LICENCE = "CC-BY-NC-4.0"
_V3 = "https://huggingface.co/facebook/cotracker3/resolve/main"
_V2 = "https://huggingface.co/facebook/cotracker/resolve/main"
_V1 = "https://dl.fbaipublicfiles.com/cotracker"


def _record(name: str, parameters: int, origin: str, what: str) -> ModelRecord:
    return ModelRecord(
        name=name,
        parameters=parameters,
        licence=LICENCE,
        origin=origin,
        description=f"{what}; not bundled, download it or give its path.",
    )


PUBLISHED: tuple[ModelRecord, ...] = (
    _record(
        "cotracker3_online",
        25_385_700,
        f"{_V3}/scaled_online.pth",
        "CoTracker3, windows of 16 frames, also trained on real videos",
    ),
    _record(
        "cotracker3_offline",
        25_385_700,
        f"{_V3}/scaled_offline.pth",
        "CoTracker3, the whole clip at once, also trained on real videos",
    ),
    _record(
        "cotracker3_online_baseline",
        25_385_700,
        f"{_V3}/baseline_online.pth",
        "CoTracker3, windows of 16 frames, trained on synthetic videos only",
    ),
    _record(
        "cotracker3_offline_baseline",
        25_385_700,
        f"{_V3}/baseline_offline.pth",
        "CoTracker3, the whole clip at once, trained on synthetic videos only",
    ),
    _record(
        "cotracker2",
        45_458_787,
        f"{_V2}/cotracker2.pth",
        "CoTracker 2, windows of 8 frames",
    ),
    _record(
        "cotracker2v1",
        45_458_787,
        f"{_V2}/cotracker2v1.pth",
        "CoTracker 2.1, windows of 16 frames",
    ),
    _record(
        "cotracker1_stride_4_wind_8",
        24_149_859,
        f"{_V1}/cotracker_stride_4_wind_8.pth",
        "CoTracker 1, stride 4, windows of 8 frames",
    ),
    _record(
        "cotracker1_stride_4_wind_12",
        24_149_859,
        f"{_V1}/cotracker_stride_4_wind_12.pth",
        "CoTracker 1, stride 4, windows of 12 frames",
    ),
    _record(
        "cotracker1_stride_8_wind_16",
        24_149_859,
        f"{_V1}/cotracker_stride_8_wind_16.pth",
        "CoTracker 1, stride 8, windows of 16 frames",
    ),
)
