"""Messenger: Meta's Send API, spoken as a Page."""

from .send import MessengerChannel as MessengerChannel
