"""Networks: noise to a distribution over samples, samples to scores."""
