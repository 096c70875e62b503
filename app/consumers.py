"""Everyone who reads the log, every debt the courier pays, and everything the ticker knows how to fire: on one screen."""

from app import mail
from app.assist import courier as captain_courier
from app.assist import reactions as assist
from app.assist import reading as captain_reading
from app.automation import reactions as automation
from app.conversations import actions as conversations
from app.conversations import reactions as conversation_reactions
from app.conversations.delivery import COURIERS
from app.deliveries.courier import Kind
from app.events.runner import Reader
from app.intake.lanes import GiveUp, Handle
from app.presence import actions as presence
from app.sla import reactions as sla_reactions
from app.sla.actions import BREACH, RECKON, WARN
from app.surveys import reactions as surveys
from app.timers import Fire
from app.users.actions import AGENT_GONE, TEAM_GONE

READERS = {
    reader.name: reader
    for reader in (
        Reader("automation", automation.NAMES, automation.on_event),
        Reader("sla", sla_reactions.NAMES, sla_reactions.on_event),
        Reader("surveys", surveys.NAMES, surveys.on_event),
        Reader("assist", assist.NAMES, assist.on_event),
    )
}

DELIVERIES: dict[str, Kind] = {**COURIERS, mail.KIND: mail.COURIER, **captain_courier.COURIERS}

TIMERS: dict[str, Fire] = {
    captain_reading.REREAD: captain_reading.reread,
    conversations.WAKE: conversation_reactions.wake,
    TEAM_GONE: conversation_reactions.leave_team,
    AGENT_GONE: conversation_reactions.leave_agent,
    WARN: sla_reactions.warn,
    BREACH: sla_reactions.breach,
    RECKON: sla_reactions.reckon,
    presence.GONE: presence.gone,
    presence.IDLE: presence.idle,
}

HANDLE: Handle = conversation_reactions.take_intake
GIVE_UP: GiveUp = conversation_reactions.give_up_intake
