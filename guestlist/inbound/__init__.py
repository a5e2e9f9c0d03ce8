"""Provider webhooks: verify, store raw, answer; parse later."""
