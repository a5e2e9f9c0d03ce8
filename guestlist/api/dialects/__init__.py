"""Doors for clients that were written for another vendor: its paths, its fields, its errors; our actions behind them."""
