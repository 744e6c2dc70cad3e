"""`python -m bgan_text.cli`."""

from bgan_text.cli.entry import main

main()
