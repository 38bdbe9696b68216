"""Cells as data: genotypes, the published ones, and plans of networks."""
