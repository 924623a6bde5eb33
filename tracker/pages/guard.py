"""Who may ask the local server: the one browser that was given the address, from the server's own pages.

Any page of the web can send requests to 127.0.0.1, and a name that is made to point there (DNS rebinding) even reads
the answers. So every request must carry the token, name the server's own address as its Host, and come from its own
pages (Origin, Sec-Fetch-Site); answers tell the browser to load nothing from elsewhere and to keep nothing.
"""

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Of every answer. Pictures of people are not to lie in a browser's cache on the disk, so nothing is stored."""
MOST_BODY_BYTES = 16 * 2**20
TOKEN_HEADER = "x-cleansheet-token"

# A redirect would not do: a browser that was sent here by another site's link would leave the (strict) cookie out.
_WELCOME = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>cleansheet</title><link rel="icon" href="data:,">'
    '<meta http-equiv="refresh" content="0;url=/"><p><a href="/">Go on</a></p></html>'
)
_REFUSED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>cleansheet</title><link rel="icon" href="data:,">'
    "<h1>Not this way</h1><p>{reason}</p></html>"
)
NO_TOKEN = "Open the address that the terminal shows: it carries a key, and this one does not."


def new_token() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


class Guard:
    """An ASGI application in front of another one.

    Args:
        app: What answers those who may ask.
        token: What they must know. As `?token=` in the address of any page it is exchanged for a cookie; programs send
            it as `X-Cleansheet-Token`.
        host: `127.0.0.1:PORT`, as the browser must name it.
    """

    def __init__(self, app: ASGIApp, token: str, host: str) -> None:
        self._app = app
        self._token = token
        self._host = host
        self._cookie = f"cleansheet-{host.rpartition(':')[2]}"  # ports share their cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a websocket is closed by the server when nobody accepts it
        headers = Headers(scope=scope)
        if headers.get("host") != self._host:
            await self._answer(JSONResponse({"error": f"ask for http://{self._host}"}, 421), scope, receive, send)
            return
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if given and scope["method"] == "GET" and self._right(given):
            welcome = HTMLResponse(_WELCOME)
            welcome.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            await self._answer(welcome, scope, receive, send)
            return
        refused = self._why_refused(headers)
        if refused is not None:
            await self._answer(refused, scope, receive, send)
            return
        await self._app(scope, receive, self._with_headers(send))

    def _right(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _why_refused(self, headers: Headers) -> Response | None:
        own = f"http://{self._host}"
        if headers.get("origin", own) != own or headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return JSONResponse({"error": "a page of another site may not ask here"}, 403)
        if not self._right(headers.get(TOKEN_HEADER) or self._from_cookie(headers)):
            if "text/html" in headers.get("accept", ""):
                return HTMLResponse(_REFUSED.format(reason=NO_TOKEN), 403)
            return JSONResponse({"error": NO_TOKEN}, 403)
        if "transfer-encoding" in headers:
            return JSONResponse({"error": "a request says how long it is"}, 411)
        if int(headers.get("content-length") or 0) > MOST_BODY_BYTES:
            return JSONResponse({"error": f"more than {MOST_BODY_BYTES // 2**20} MiB"}, 413)
        return None

    def _from_cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    async def _answer(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, self._with_headers(send))

    @staticmethod
    def _with_headers(send: Send) -> Send:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        return with_headers
