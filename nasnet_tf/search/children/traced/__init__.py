"""One traced program for all children of a space."""
