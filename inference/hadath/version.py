"""The version of hadath."""

__version__ = "0.2.0"
