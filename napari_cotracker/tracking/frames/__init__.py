"""What the network is shown of each frame: its geometry, its size, boxes in it."""
