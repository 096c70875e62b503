"""All tables, for the migrations and the tests that compare them with the database."""

from sqlmodel import SQLModel

from app import timers
from app.accounts import models as accounts
from app.assist import models as assist
from app.calendars import models as calendars
from app.contacts import models as contacts
from app.conversations import models as conversations
from app.deliveries import models as deliveries
from app.events import cursors, log
from app.help_center import models as help_center
from app.inboxes import models as inboxes
from app.intake import models as intake
from app.labels import models as labels
from app.presence import models as presence
from app.shortcuts import models as shortcuts
from app.sla import models as sla
from app.surveys import models as surveys
from app.users import models as users

ROOMS = (
    accounts, calendars, users, inboxes, contacts, labels, shortcuts, conversations, help_center, surveys, sla, assist,
    presence, log, cursors, intake, deliveries, timers,
)  # fmt: skip
metadata = SQLModel.metadata
