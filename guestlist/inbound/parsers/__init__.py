"""From a stored raw body to facts: one small parser per kind of event, and one table that picks it."""

from guestlist.inbound.parsers.bodies import PARSERS, ParsedBody, PayloadRefusal, parse_body

__all__ = ["PARSERS", "ParsedBody", "PayloadRefusal", "parse_body"]
