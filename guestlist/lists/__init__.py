"""The list engine: any customer file to mapped, normalised, hashed, deduplicated batches and rejects."""
