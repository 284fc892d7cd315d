"""Points followed window by window: who is in them, and one walk through them."""
