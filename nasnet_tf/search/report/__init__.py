"""The report of a search: `page.write_report`.

`python -m nasnet_tf.search.report --model_dir=runs/search` writes it anew.
"""
