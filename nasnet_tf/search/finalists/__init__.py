"""The best children trained longer, and what is made of them."""

# What --compare's networks have in common with the finalists.
MATCHES = ("filters", "parameters")
