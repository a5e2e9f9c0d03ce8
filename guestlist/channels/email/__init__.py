"""E-mail by SMTP: any relay, signed (DKIM) by it."""

from .channel import EmailChannel

__all__ = ["EmailChannel"]
