"""Training jobs: a configuration in, a trained network out."""
