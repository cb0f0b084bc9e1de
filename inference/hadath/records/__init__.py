"""Event records: one row for each event of an article, with actors, places, dates and PLOVER's codes.

``Document.records`` makes them, by ``hadath.records.assembly``, which is loaded only then, with its tables.

Example:
    >>> from hadath.document import Document, Event
    >>> [record] = Document("تظاهر المئات", events=(Event(0, 5, "PROTEST", "تظاهر"),)).records()
    >>> record.code, record.quad_class, record.actors
    ('PROTEST', 'material conflict', ())
"""

from hadath.records.record import EventRecord, Participant, Span

__all__ = ["EventRecord", "Participant", "Span"]
