"""Annotations on their way into the corpus: import, export, check, split, agree, suggest.

Each is a command: ``python -m training.annotations COMMAND key=value …``.
"""
