"""The report of a search.

`python -m nasnet_tf.search.report --model_dir=runs/search` writes it anew.
"""

from nasnet_tf.search.report.page import write_report

__all__ = ["write_report"]
