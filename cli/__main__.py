"""`python -m bgan_text.cli`."""

from .main import main

main()
