"""Networks of cells, and what is made of a network."""
