"""Errors that reach a person.

One sentence each: what was given, what was expected and what to do.
"""


class CoTrackerError(Exception):
    """Base of every error this package raises on purpose.

    Not a ``RuntimeError``: napari's generator workers swallow those.
    """


class InputError(CoTrackerError):
    """A value given by the caller cannot be used (queries, options, arrays)."""


class VideoError(CoTrackerError):
    """A recording cannot be opened, read or written."""


class ModelError(CoTrackerError):
    """A network or its checkpoint cannot be found or loaded."""


class FormatError(CoTrackerError):
    """A file of tracks or queries cannot be read or written."""


class TrackingError(CoTrackerError):
    """Tracking failed after it had started."""


class ProjectError(CoTrackerError):
    """A project file cannot be made, opened, read or written."""
