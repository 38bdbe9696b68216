def load_weights(model, weights, **kw):
    raise NotImplementedError
