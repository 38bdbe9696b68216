"""Exported files timed side by side, and what is told of them."""
