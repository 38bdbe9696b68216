"""A model of the rewards that says which architecture to try next."""
