"""Training, evaluation and export of hadath models."""
