"""Optical flow beside the network: it suggests where to look, and refines answers."""
