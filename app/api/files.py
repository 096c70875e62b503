"""Attachments, for whoever holds a signed address (conversations/links.py). Strangers' files never run in our name."""

from flask import Response, abort, request, send_file

from app import files
from app.api.door import bp
from app.conversations.links import LIFETIME, is_valid
from app.conversations.queries import attachment_by_key
from app.database import across_accounts
from app.policies import policy


@bp.get("/files/<key>/<name>")
@policy("public")
def show_file(key: str, name: str) -> Response:
    """The bytes: shown in place where that is harmless, else as a download; 404 without a valid signature."""
    if not is_valid(key, request.args.get("s", "")):
        abort(404)
    with across_accounts():
        found = attachment_by_key(key)
    if found is None or found.path is None or not files.location(found.path).exists():
        abort(404)
    is_harmless = found.content_type in files.INLINE
    response = send_file(
        files.location(found.path),
        mimetype=found.content_type if is_harmless else "application/octet-stream",
        as_attachment=not is_harmless,
        download_name=found.file_name or name,
        conditional=True,
        max_age=int(LIFETIME.total_seconds()),
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = f"private, max-age={int(LIFETIME.total_seconds())}"
    return response
