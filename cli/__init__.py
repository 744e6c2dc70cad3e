"""The `bgan-text` command; the only place that joins the core and the corpora."""
