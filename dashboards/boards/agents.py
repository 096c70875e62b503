"""Who does how much, how fast, how well? One line per agent; an agent sees his own."""

from dashboards import gate, parts, shell
from dashboards.gate import Viewer
from dashboards.numbers import View


def show(viewer: Viewer) -> None:
    """The page."""
    shell.show(viewer, "agents", _draw)


def _draw(view: View) -> None:
    parts.cards(view, ("messages_outgoing", "next_response", "occupancy"))
    parts.table(
        view,
        "agent",
        (
            "messages_outgoing",
            "first_response_human",
            "next_response",
            "full_resolution",
            "one_touch",
            "reopen_rate",
            "csat",
            "sla_compliance",
            "handle_time",
            "occupancy",
            "backlog",
        ),
    )
    parts.charts(view, ("messages_outgoing", "next_response", "handle_time", "occupancy"))


if __name__ == "__main__":  # as Streamlit runs a page
    show(gate.viewer())
