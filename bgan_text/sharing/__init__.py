"""Models to pass on: exported folders, their cards, and the Hugging Face hub."""
