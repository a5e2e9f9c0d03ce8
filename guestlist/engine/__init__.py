"""Durable background work: lanes, leases, wake-ups, hand-over at a rate."""
