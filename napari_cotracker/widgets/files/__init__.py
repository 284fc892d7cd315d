"""Projects, tracks and videos as files that the dock and napari open and save."""
