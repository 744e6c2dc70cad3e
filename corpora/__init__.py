"""Corpora and tokenizers: from text on disk or in the hub to rows of integer tokens. Knows no model."""
