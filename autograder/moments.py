"""Read a date and a time that a person or a system wrote, as nbgrader keeps them: in UTC, without
a zone.

nbgrader's own reading (`nbgrader.utils.parse_utc`, 0.9.6) takes `10:00 +0100` for 100 seconds east
of Greenwich, a zone that it does not know for UTC, and `10:00` alone for the day of grading.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from dateutil import parser, tz

LONGEST = 100
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-/]{1,40}")
NO_ZONES = {"am", "pm"}
PLAIN = "%Y-%m-%d %H:%M:%S.%f UTC"
"""What everybody reads alike, nbgrader too."""


class NotAMoment(ValueError):
    """A text is no date with a time; the message says why."""


def read_moment(text: str, *, needs_time: bool = False) -> datetime:
    """Return a moment in UTC, without a zone; a text that names none is in UTC.

    Zones: `+01:00`, `+0100`, `Z`, `UTC`, `Europe/Berlin`, and abbreviations that this machine
    knows. With `needs_time` a date alone is refused; else it is the day's first moment. Raises
    NotAMoment.
    """
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise NotAMoment(f"a date and a time are expected. Got {text[:LONGEST]!r}")
    words = text.split()
    last, zone = words[-1], None
    if len(words) > 2 and ZONE.fullmatch(last) and last.lower() not in NO_ZONES:
        zone = _find_zone(last)
        if zone is not None:
            text = text[: -len(last)]
    hour = 12 if needs_time else 0
    try:
        # Two days that share nothing: what the text does not say itself differs.
        one = parser.parse(text, default=datetime(2000, 1, 3), tzinfos=_zone_of)
        other = parser.parse(text, default=datetime(2001, 2, 4, hour), tzinfos=_zone_of)
        if zone is not None:
            one, other = one.replace(tzinfo=zone), other.replace(tzinfo=zone)
        whole = one == other
        one = (one - (one.utcoffset() or timedelta())).replace(tzinfo=None)
    except NotAMoment:
        raise
    except Exception:  # dateutil raises many kinds
        whole = False
    if not whole:
        what = "a date and a time are" if needs_time else "a date is"
        raise NotAMoment(f"{what} expected, such as 2026-11-30 23:59 UTC. Got {text.strip()!r}")
    return one


def _find_zone(name: str) -> tzinfo | None:
    """Return a zone by its name; the name comes from a student and never becomes a path."""
    if not ZONE.fullmatch(name):
        return None
    return tz.UTC if name in ("Z", "z") else tz.gettz(name)


def _zone_of(name: str | None, seconds: int | None) -> tzinfo:
    """Return the zone of a name or an offset within a text, as dateutil asks for it."""
    if seconds is not None:
        return tz.tzoffset(None, seconds)
    zone = _find_zone(name or "UTC")
    if zone is None:
        raise NotAMoment(f"the time zone {name} is not known: write an offset, such as +01:00")
    return zone
