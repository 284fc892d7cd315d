"""What can be done to tracks beyond moving points: a table, read by menu and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_cotracker.errors import InputError
from napari_cotracker.project import Edit, together
from napari_cotracker.project import span_edits as spans
from napari_cotracker.project import track_edits as tracks

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_cotracker.project import Document


@dataclass(frozen=True)
class Target:
    """What an action is about.

    Parameters
    ----------
    point_ids : tuple of int
        Selected tracks.
    frame : int
        In view.
    span : (first, last)
        Frames marked, both inclusive.
    other : int or None
        A second track, for actions that need one.
    text : str
        What the person typed, for actions that need a name.
    """

    point_ids: tuple[int, ...]
    frame: int
    span: tuple[int, int]
    other: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Action:
    """One entry of the menu.

    Parameters
    ----------
    name : str
        Its ``objectName``.
    text, tip : str
    edit : (document, point_id, target) -> Edit
        For one track.
    needs : {"", "other", "text"}
        What the person is asked for first.
    key : str
        Shortcut, in napari's words.
    """

    name: str
    text: str
    tip: str
    edit: Callable[[Document, int, Target], Edit]
    needs: str = ""
    key: str = ""

    def make(self, document: Document, target: Target) -> Edit:
        """Return the edit of all selected tracks, as one step.

        Raises
        ------
        InputError
            No track is selected, or too many, or it cannot be done.
        """
        if not target.point_ids:
            raise InputError(
                "No track is chosen; click on a tracked point or choose a track."
            )
        if self.needs and len(target.point_ids) > 1:
            most = "one or two tracks" if self.needs == "other" else "one track"
            raise InputError(
                f"{len(target.point_ids)} tracks are selected; select {most} for "
                f"'{self.text}'."
            )
        edits = []
        for point_id in target.point_ids:
            edits.append(self.edit(document, point_id, target))
            document = edits[-1].apply(document)
        if len(edits) == 1:
            return edits[0]
        return together(edits[0].kind, " ".join(e.sentence for e in edits), edits)


def _other(target: Target) -> int:
    if target.other is None:
        raise InputError("This needs a second track; there is only this one.")
    return target.other


ACTIONS = (
    Action(
        "hide_span",
        "Hide over the span",
        "The point is there but cannot be seen on the frames of the span",
        lambda document, i, target: spans.hide_span(document, i, *target.span),
        key="H",
    ),
    Action(
        "show_span",
        "Show over the span",
        "Take back that it is hidden or ended on the frames of the span",
        lambda document, i, target: spans.show_span(document, i, *target.span),
        key="Shift-H",
    ),
    Action(
        "end_track",
        "End before this frame",
        "From the frame in view on the track does not exist",
        lambda document, i, target: spans.end_track(document, i, target.frame),
    ),
    Action(
        "begin_track",
        "Begin on this frame",
        "Before the frame in view the track does not exist",
        lambda document, i, target: spans.begin_track(document, i, target.frame),
    ),
    Action(
        "delete_forward",
        "Delete from this frame on",
        "Predictions and anchors; a run may find it again",
        lambda document, i, target: spans.delete_forward(document, i, target.frame),
    ),
    Action(
        "delete_backward",
        "Delete up to this frame",
        "Predictions and anchors; a run may find it again",
        lambda document, i, target: spans.delete_backward(document, i, target.frame),
    ),
    Action(
        "delete_span",
        "Delete over the span",
        "Predictions and anchors on the frames of the span",
        lambda document, i, target: spans.delete_span(document, i, *target.span),
    ),
    Action(
        "interpolate_span",
        "Interpolate over the span",
        "Straight lines through the anchors of the span, accepted as they are",
        lambda document, i, target: spans.interpolate_span(document, i, *target.span),
    ),
    Action(
        "rename_track",
        "Rename…",
        "Give the track another name",
        lambda document, i, target: tracks.rename_track(document, i, target.text),
        needs="text",
    ),
    Action(
        "merge_tracks",
        "Merge with…",
        "Another track turned out to be the same point",
        lambda document, i, target: tracks.merge_tracks(document, i, _other(target)),
        needs="other",
    ),
    Action(
        "split_track",
        "Split at this frame",
        "From the frame in view on it is another point",
        lambda document, i, target: tracks.split_track(document, i, target.frame),
    ),
    Action(
        "swap_tracks",
        "Swap over the span with…",
        "Two tracks were taken for each other on the frames of the span",
        lambda document, i, target: tracks.swap_tracks(
            document, i, _other(target), *target.span
        ),
        needs="other",
    ),
    Action(
        "remove_track",
        "Remove the track",
        "With everything known and decided about it",
        lambda document, i, target: tracks.remove_tracks(document, [i]),
    ),
)
