"""The published networks, their weights and their sizes."""
