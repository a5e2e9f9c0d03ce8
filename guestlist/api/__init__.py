"""HTTP: the native API under /v1."""
