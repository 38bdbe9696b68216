"""Keeps TensorFlow's start-up messages out of what a command prints.

Imported before anything that imports TensorFlow. While Python looks for the
module of `python -m nasnet_tf.classify`, `sys.argv[0]` is `-m`; a program that
imports this package is left alone.
"""

import os
import sys

if sys.argv[:1] == ["-m"]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
