"""The whole of the package once through, on data that comes with it.

`python -m nasnet_tf.quickstart --out=runs/quickstart` trains a small NASNet
on scikit-learn's handwritten digits and writes a report. Nothing is
downloaded.
"""

from nasnet_tf.quickstart.context import Context
from nasnet_tf.quickstart.stages import STAGES, run

__all__ = ["STAGES", "Context", "run"]
