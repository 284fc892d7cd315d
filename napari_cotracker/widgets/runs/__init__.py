"""From what a person chose to a run in the background; knows no Qt controls."""
