"""napari's layers as the tracker sees them, and tracks as layers."""
