"""Guestlist: customer lists into consented Messenger subscribers, and messages to them."""
