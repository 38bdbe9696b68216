"""Photos: found, opened, and read as a network was trained on them."""
