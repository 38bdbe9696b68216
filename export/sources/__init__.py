"""What an export begins from: the Keras model, and images."""
