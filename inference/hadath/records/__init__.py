"""Event records: one row for each event of an article, with actors, places, dates and PLOVER's codes.

Example:
    >>> from hadath.document import Document, Event
    >>> [record] = event_records(Document("تظاهر المئات", events=(Event(0, 5, "PROTEST", "تظاهر"),)))
    >>> record.code, record.quad_class, record.actors
    ('PROTEST', 'material conflict', ())
"""

from hadath.records.assembly import event_records
from hadath.records.record import EventRecord, Participant, Span

__all__ = ["EventRecord", "Participant", "Span", "event_records"]
