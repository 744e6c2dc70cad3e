"""Boundary-seeking GANs for discrete sequences: tensors in, tensors out.

Shape letters used in every docstring: N noise vectors, M draws per noise vector, L positions,
V vocabulary, Z noise size, R real rows, K any number of rows. Scores estimate log p/q; losses,
bounds and log-probabilities are in nats.
"""

__version__ = "0.5.0"
