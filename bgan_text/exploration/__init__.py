"""A run to look at: samples, walks between noise vectors, and scores of typed texts, in a local page."""
