"""NASNet in TensorFlow Model Garden: its parts, models, and what is served."""
