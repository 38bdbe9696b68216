"""How commands start, tell of their progress, and fail."""
