"""Measures tagging and training, each beside what else would do the work: ``python -m training.benchmark``.

What is compared runs in turn, A B A B …, in one process on one machine, and every ratio is taken within a round: what
slows a round down slows both sides of it.
"""
