"""Two sets of addresses: Chatwoot's `/api/v1/widget/*`, and ours under `/widget`."""

from flask import Blueprint, Response, jsonify, request

from app.errors import Problem, TooMany
from app.i18n import LOCALES, speak

api = Blueprint("widget_api", __name__, url_prefix="/api/v1/widget")
pages = Blueprint("widget", __name__)

# What a message or a form may weigh without files
BODY_LIMIT = 1024 * 1024


@api.before_request
@pages.before_request
def prepare() -> None:
    """Speak the language the card asks for; refuse bodies that no form of ours sends."""
    locale = request.args.get("locale", "")[:2]
    if locale in LOCALES:
        speak(locale)
    if request.mimetype != "multipart/form-data":
        request.max_content_length = BODY_LIMIT


@api.errorhandler(Problem)
def tell(problem: Problem) -> Response:
    """A refusal in JSON, whatever the address is."""
    body: dict[str, object] = {"error": problem.reason}
    if field := getattr(problem, "field", None):
        body |= {"message": problem.reason, "attributes": [field]}
    response = jsonify(body)
    response.status_code = problem.status
    if isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response
