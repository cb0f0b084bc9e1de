"""hadath (حدث, "event"): who did what to whom, where and when, read from Arabic text.

Example:
    >>> import hadath
    >>> tagger = hadath.load()  # doctest: +SKIP
    >>> tagger("زار وزير الخارجية التونسي بنغازي").events[0].type  # doctest: +SKIP
    'CONSULT'
"""

from hadath.document import Argument, Document, Entity, Event
from hadath.errors import HadathError
from hadath.model_directory import load
from hadath.records.record import EventRecord
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.version import __version__

__all__ = [
    "Argument",
    "Document",
    "Entity",
    "Event",
    "EventRecord",
    "HadathError",
    "Schema",
    "Tagger",
    "__version__",
    "load",
]
