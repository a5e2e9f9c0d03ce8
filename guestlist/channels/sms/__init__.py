"""SMS: Twilio's REST shape and Kannel's `sendsms`, with segments counted before anything is paid for."""

from .channel import SmsChannel

__all__ = ["SmsChannel"]
