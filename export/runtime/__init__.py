"""Exported files as they run: runners, timing, profile."""
