"""CoTracker networks in pure torch; window state is passed in and returned."""
