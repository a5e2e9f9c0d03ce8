"""The Gupshup dialect: `/sm/api/…`, `/wa/api/…` and its callbacks. Source: `vendor-apis.md` 4, read 2026-11."""
