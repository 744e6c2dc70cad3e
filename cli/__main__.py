"""`python -m bgan_text.cli`."""

from bgan_text.cli.main import main

main()
