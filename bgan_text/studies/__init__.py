"""Studies of several runs: comparisons, and the paper's experiments."""
