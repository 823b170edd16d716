"""What Schemathesis cannot be told by its settings."""

import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request an Idempotency-Key of its own: one that was used for another request is refused, and rightly so.
    Of streams, new ones are asked for."""
    for name in list(case.headers or {}):
        value = case.headers[name]
        if name.lower() == "idempotency-key" and re.fullmatch("[!-~]{1,255}", str(value)):
            case.headers[name] = str(uuid.uuid4())
    # Who goes on where a stream ended is told of a gap. The document describes the data of an event; Schemathesis compares
    # it with the event, whose data is a text.
    for given in (case.headers or {}, case.query or {}):
        for name in list(given):
            if name.lower() in ("last-event-id", "lasteventid") and re.fullmatch("[0-9a-f]{32}-[0-9]+", str(given[name])):
                del given[name]
