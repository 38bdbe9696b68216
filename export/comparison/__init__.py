"""An exported file beside the Keras model: how close its answers are."""
