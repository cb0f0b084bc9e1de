"""The version of hadath."""

__version__ = "0.1.0"
