"""Training: state, updates, checkpoints, run folders and the loop."""
