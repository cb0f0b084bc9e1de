"""Tagging of corpora: many files in, parts out, each written whole or not at all, so that a killed job goes on."""
