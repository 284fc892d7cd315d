"""The dock "Point tracker": rows of Qt controls, and nothing else."""
