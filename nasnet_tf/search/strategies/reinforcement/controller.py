"""The recurrent network that makes the decisions (App. A.2)."""

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.search.space.decisions import DecisionSpace


class Controller:
    """A one-layer LSTM with a softmax for each decision.

    Its input is an embedding of the decision before. Its variables are made in
    the scope of the current `tf.distribute` strategy.

    Args:
        space: whose decisions it makes.
        hidden_units: of the LSTM and of the embeddings.
        share_by_kind: whether decisions of one kind share the weights of
            softmax and embedding. An option that a decision lacks, such as a
            hidden state that does not exist yet, is left out of its softmax.
    """

    def __init__(
        self, space: DecisionSpace, hidden_units=100, share_by_kind=False
    ):
        self.space = space
        self._units = units = hidden_units
        groups = space.kinds if share_by_kind else tuple(range(len(space)))
        widths: dict[object, int] = {}
        for group, size in zip(groups, space.sizes, strict=True):
            widths[group] = max(size, widths.get(group, 0))
        self._widths = list(widths.values())
        order = list(widths)
        self._groups = [order.index(group) for group in groups]
        options = sum(self._widths)
        shapes = {
            "start": (1, units),
            "embedding": (options, units),
            "lstm_kernel": (2 * units, 4 * units),
            "lstm_bias": (4 * units,),
            "softmax_kernel": (units, options),
            "softmax_bias": (options,),
        }
        self.variables = [
            keras.Variable(np.zeros(shape), dtype="float32", name=name)
            for name, shape in shapes.items()
        ]

    def initialize(self, seed: int, initial_range: float = 0.1) -> None:
        """Draws all weights, uniform in plus or minus `initial_range`."""
        generator = np.random.default_rng((seed, 0))
        for variable in self.variables:
            value = generator.uniform(
                -initial_range, initial_range, variable.shape
            )
            variable.assign(value.astype("float32"))

    def sample(self, count: int, seed):
        """Makes the decisions of so many architectures.

        Args:
            count: n.
            seed: two integers; equal seeds and weights, equal decisions.

        Returns:
            The decisions, int32 `(n, decisions)`; their log-probabilities,
            `(n, decisions)`; of each decision, the mean probabilities of its
            options.
        """
        sizes = self.space.sizes
        # Not from 0, whose logarithm is infinite.
        noise = tf.random.stateless_uniform(
            (len(sizes), count, max(sizes)), seed, minval=1e-30
        )
        # The largest of log-probability + Gumbel noise is a sample.
        noise = tf.unstack(-tf.math.log(-tf.math.log(noise)))

        def choose(number, log_probs):
            values = log_probs + noise[number][:, : sizes[number]]
            return tf.argmax(values, axis=1, output_type=tf.int32)

        choices, all_log_probs = self._unroll(count, choose)
        taken = [
            tf.gather(log_probs, choice, batch_dims=1)
            for choice, log_probs in zip(choices, all_log_probs, strict=True)
        ]
        means = [tf.reduce_mean(tf.exp(p), axis=0) for p in all_log_probs]
        return tf.stack(choices, 1), tf.stack(taken, 1), means

    def score(self, decisions):
        """How probable decisions are now.

        Args:
            decisions: int32 `(n, decisions)`, n known.

        Returns:
            Log-probabilities and entropies (nats), each `(n, decisions)`.
        """
        columns = tf.unstack(decisions, axis=1)
        choices, all_log_probs = self._unroll(
            decisions.shape[0], lambda number, log_probs: columns[number]
        )
        taken, entropies = [], []
        for choice, log_probs in zip(choices, all_log_probs, strict=True):
            # As a product, its gradient needs no scatter.
            chosen = tf.one_hot(choice, log_probs.shape[1])
            taken.append(tf.reduce_sum(chosen * log_probs, axis=1))
            entropy = -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=1)
            entropies.append(entropy)
        return tf.stack(taken, 1), tf.stack(entropies, 1)

    def _unroll(self, count, choose):
        """Choices and log-probabilities of all options, a list of decisions."""
        start, embedding, kernel, bias, softmax, softmax_bias = (
            tf.convert_to_tensor(variable.value) for variable in self.variables
        )
        embeddings = tf.split(embedding, self._widths, axis=0)
        softmaxes = tf.split(softmax, self._widths, axis=1)
        biases = tf.split(softmax_bias, self._widths)
        cell = hidden = tf.zeros((count, self._units))
        inputs = tf.repeat(start, count, axis=0)
        choices, all_log_probs = [], []
        for number, size in enumerate(self.space.sizes):
            group = self._groups[number]
            gates = tf.concat([inputs, hidden], axis=1) @ kernel + bias
            enter, forget, leave, new = tf.split(gates, 4, axis=1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(new)
            hidden = tf.sigmoid(leave) * tf.tanh(cell)
            logits = hidden @ softmaxes[group][:, :size] + biases[group][:size]
            log_probs = tf.nn.log_softmax(logits)
            choice = choose(number, log_probs)
            inputs = tf.one_hot(choice, size) @ embeddings[group][:size]
            choices.append(choice)
            all_log_probs.append(log_probs)
        return choices, all_log_probs
