"""Corpora and tokenizers: from text on disk or in the hub to rows of integer tokens. Knows no model."""

import warnings

# tqdm, which `datasets` imports, asks notebooks for ipywidgets and their progress bars. None is shown here.
warnings.filterwarnings("ignore", message="IProgress not found")
