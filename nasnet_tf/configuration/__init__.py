"""Typed configurations: sections, files, overrides."""
