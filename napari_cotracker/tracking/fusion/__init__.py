"""Answers of both directions into tracks, and which of them an edit makes invalid."""
