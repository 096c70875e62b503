"""What the card says, translated here and handed to it as one dictionary: its scripts know names, not sentences."""

import re
from collections.abc import Callable

from app.i18n import _, ngettext

# One number for each plural form of Russian; English uses the first and the last
EXAMPLES = {"one": 1, "few": 2, "many": 5}


def words() -> dict[str, str | dict[str, str]]:
    """{name: text, or {plural form: text}} in the language now, with {n}, {name} and the like to be filled in."""
    return {
        "open": _("Open the chat"),
        "close": _("Close the chat"),
        "chat": _("Chat"),
        "hello": _("Hello! How can we help?"),
        "hello_more": _("Ask us anything: we read everything."),
        "soon": _("Usually answer within a few minutes"),
        "hour": _("Usually answer within an hour"),
        "hours": _("Usually answer within a few hours"),
        "day": _("Usually answer within a day"),
        "here": _("We are online"),
        "away": _("We are away now. Write, and we will answer here."),
        "back": _("We are away now and will be back {when}. Write, and we will answer here."),
        "away_short": _("We are away now"),
        "back_short": _("Back {when}"),
        "back_at": _("at {time}"),
        "back_tomorrow": _("tomorrow at {time}"),
        "back_on": _("on {day} at {time}"),
        "conversation": _("Conversation"),
        "older": _("Show earlier messages"),
        "today": _("today"),
        "yesterday": _("yesterday"),
        "new_below": _forms(lambda n: ngettext("%(n)s new message", "%(n)s new messages", n)),
        "unread": _forms(lambda n: ngettext("%(n)s unread message", "%(n)s unread messages", n)),
        "you": _("You"),
        "said": _("{name} wrote:"),
        "typing": _("{name} is typing…"),
        "typing_somebody": _("The answer is being typed…"),
        "sending": _("Sending…"),
        "waiting": _("Will be sent when the connection is back"),
        "sent": _("Sent"),
        "read": _("Read"),
        "failed": _("Not sent"),
        "retry": _("Try again"),
        "discard": _("Delete"),
        "file_gone": _("The file is no longer in this browser. Attach it again."),
        "deleted": _("This message was deleted."),
        "write": _("Write a message…"),
        "message": _("Message"),
        "send": _("Send"),
        "attach": _("Attach files"),
        "remove_file": _("Remove {name}"),
        "drop": _("Drop files here"),
        "too_large": _("{name} is larger than {limit} MB."),
        "too_many": _("{limit} files at most in one message."),
        "empty_file": _("{name} is empty."),
        "download": _("Download {name}"),
        "picture": _("Picture {name}"),
        "bytes": _("{n} B"),
        "kilobytes": _("{n} KB"),
        "megabytes": _("{n} MB"),
        "offline": _("No connection. What you write is kept and will be sent."),
        "gone": _("This chat is not available any more."),
        "resolved": _("The conversation is resolved. Write to go on with it, or"),
        "resolved_over": _("The conversation is resolved."),
        "anew": _("start a new one"),
        "anew_button": _("New conversation"),
        "new_conversation": _("New conversation"),
        "end": _("End the conversation"),
        "end_sure": _("End this conversation?"),
        "menu": _("More"),
        "transcript": _("Send me a copy by e-mail"),
        "transcript_done": _("A copy is on its way to your mailbox."),
        "form_title": _("Before we begin"),
        "form_hint": _("So that we can find you again if the connection breaks."),
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "phone_hint": _("With country code, such as +996555000111"),
        "optional": _("optional"),
        "form_send": _("Start the chat"),
        "save": _("Save"),
        "saved": _("Thank you, we have it."),
        "rate": _("How was our help?"),
        "rates": "|".join((_("Terrible"), _("Bad"), _("So-so"), _("Good"), _("Excellent"))),
        "comment": _("What could be better? (optional)"),
        "comment_good": _("What did you like? (optional)"),
        "comment_send": _("Send"),
        "thanks": _("Thank you for your rating."),
        "captain": _("Captain"),
        "captain_kind": _("answers by himself"),
        "sources": _("Sources"),
        "helped": _("Did it help?"),
        "yes": _("Yes"),
        "human": _("Call a person"),
        "human_called": _("A person will answer you here."),
        "helped_yes": _("Glad to hear it."),
        "went_wrong": _("That did not work. Try again."),
    }


def _forms(said: Callable[[int], str]) -> dict[str, str]:
    """The plural forms of a sentence, each with {n} where its number stands."""
    forms = {form: re.sub(rf"\b{n}\b", "{n}", said(n)) for form, n in EXAMPLES.items()}
    return forms | {"other": forms["many"]}
