"""What hadath raises. Every message says what was wrong, where, what was expected and what to do."""


class HadathError(Exception):
    """Base of all errors that hadath raises on purpose."""


class InvalidTextError(HadathError, ValueError):
    """A text that cannot be tagged: not a string, or not valid Unicode (a lone surrogate)."""


class InvalidDocumentError(HadathError, ValueError):
    """A document whose spans do not match its text or whose arguments point nowhere."""


class SchemaError(HadathError, ValueError):
    """An annotation schema that does not parse or does not fit its use."""


class ModelError(HadathError):
    """A model directory that is missing, incomplete, damaged or of an incompatible version."""


class InputError(HadathError):
    """An input file or folder that cannot be read as what it claims to be."""
