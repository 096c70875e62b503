"""How are we doing? The numbers of a period side by side, and how they went day by day."""

from dashboards import gate, look, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import Row, View
from dashboards.words import say


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "overview", _draw)


def _draw(view: View) -> None:
    # conversations are mostly created before anybody has them: an agent's own measure is what he wrote
    is_administrator = view.viewer.is_administrator
    volume = ("conversations", _volume) if is_administrator else ("messages_outgoing", _messages)
    parts.cards(
        view,
        (
            "first_response_human",
            "full_resolution",
            ("sla_compliance", _sla),
            ("csat", _csat),
            volume,
            ("backlog", _backlog),
        ),
    )
    parts.charts(view, ("first_response_human", volume[0], "full_resolution", "backlog"))


def _sla(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    return look.percent(row["value"], locale), say("sla", locale, n=look.number(row["n"], locale))


def _csat(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    bounds = {name: look.percent(row[name], locale) for name in ("low", "high")}
    details = say("csat", locale, **bounds, n=look.number(row["n"], locale))
    if asked := view.total("response_rate"):
        rate, sent = look.percent(asked["value"], locale), look.number(asked["n"], locale)
        details += f" · {say('csat.rate', locale, rate=rate, n=sent)}"
    return look.percent(row["value"], locale), details


def _volume(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    messages = {direction: _count(view, f"messages_{direction}") for direction in ("incoming", "outgoing")}
    return look.number(row["value"], locale), say("volume", locale, **messages)


def _messages(view: View, _metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    return look.number(row["value"], locale), say("messages", locale, incoming=_count(view, "messages_incoming"))


def _count(view: View, metric: str) -> str:
    row = view.total(metric)
    return look.number(row["value"] if row else 0, view.viewer.locale)


def _backlog(view: View, metric: str, row: Row) -> tuple[str, str]:
    locale = view.viewer.locale
    counts = {status: 0 for status in ("open", "pending", "snoozed")}
    counts |= {part["status"]: part["value"] for part in view.ask(metric, "status")}
    written = {status: look.number(count, locale) for status, count in counts.items()}
    return look.number(row["value"], locale), say("backlog", locale, **written)


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
