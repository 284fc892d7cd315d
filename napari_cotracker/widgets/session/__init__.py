"""What is known about one image: annotations, edits, where they are kept."""
