"""Names in a template, replaced by what they stand for."""

from app.conversations import queries
from app.doors import viewer


def filled(text: str, row: queries.Row | None) -> str:
    """Variables replaced (S68): what is not known leaves no hole in the sentence."""
    name = row.contact.name if row else ""
    values = {
        "contact.name": name,
        "contact.first_name": name.split()[0] if name else "",
        "contact.email": (row.contact.email or "") if row else "",
        "conversation.id": str(row.conversation.display_id) if row else "",
        "agent.name": viewer().user.available_name,
        "inbox.name": row.inbox.name if row else "",
        "account.name": viewer().account.name,
    }
    for key, value in values.items():
        for written in (f"{{{{{key}}}}}", f"{{{{ {key} }}}}"):
            text = text.replace(", " + written, f", {value}" if value else "").replace(written, value)
    return text
