"""Attacks on the tool: kills, full disks, damaged and hostile files, random command lines, closed streams.

`PYTHONPATH=tests python -m faults` runs them all and prints a table of kinds and counts; `--help` has the
options. Every case follows from the seed, its kind and its number, so that `--kinds K --only N` repeats one.

A case is one command in a process of its own, forked from one that has loaded everything, so that a native
crash, a hang and the memory of each are seen. It must end well or refuse in one line.
"""
