"""The dock widget "Point tracker" and what it needs from napari.

Only this package imports Qt or napari; ``coordinates`` alone knows both
conventions, (x, y) pixels and napari's (t, y, x) with scale and translation::

    point_tracker  the dock, made of run_form, edit_panel, review_panel, file_row
    runner         the worker                                engine  what it calls
    controller     sessions of a viewer and the present run  preparing, run
    session        annotations of one image: edits, stale predictions; memory
    keeping        in which file they are            unsaved_panel  left by others
    result_layers  the two layers that show it; rows, layer_looks
    row_reading    what a person did to rows                 hand_edits  as an edit
    anchors        the person's points with identities       entering  as anchors
    track_actions  what can be done to tracks                shortcuts
    project_files  saved, opened with their recording        review  where to look
    image_input    axes and slices of an image
"""
