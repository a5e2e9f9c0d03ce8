"""The Amio dialect: `/amio/v1/…` and its webhooks. Source: `vendor-apis.md` 3, read 2026-11."""
