"""The allow-list of functions, by topic."""
