"""The Comapi / Dotdigital dialect: `/apispaces/{apiSpaceId}/…` and `/cpaas/…`. Source: `vendor-apis.md` 2, read 2026-11."""
