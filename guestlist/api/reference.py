"""`/docs`: the API reference in the browser. Every file it needs comes from an installed package; none from another host."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response
from starlette.responses import HTMLResponse, RedirectResponse

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guestlist API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript. The same is told by <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"""
START = """\
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def lead_in() -> RedirectResponse:
    """The front door."""
    return RedirectResponse("/docs")


@router.get("/docs")
async def show_reference() -> HTMLResponse:
    """The page."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/assets/start.js")
async def start_reference() -> Response:
    """What starts the page, apart from it so that no script stands inside."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/assets/{filename}")
async def send_asset(filename: str) -> Response:
    """A file of Swagger UI, from the installed package."""
    if filename not in TYPES:
        raise HTTPException(404)
    return Response(_read_asset(filename), media_type=TYPES[filename], headers={"Cache-Control": "max-age=86400"})


@cache
def _read_asset(filename: str) -> bytes:
    return files("fastapi_swagger.resources").joinpath(filename).read_bytes()
