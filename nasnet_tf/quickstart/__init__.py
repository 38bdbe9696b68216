"""The whole of the package once through, on data that comes with it.

`python -m nasnet_tf.quickstart --out=runs/quickstart` trains a small NASNet
on scikit-learn's handwritten digits and writes a report; in Python it is
`stages.run`. Nothing is downloaded.
"""
