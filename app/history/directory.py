"""Who and what conversations speak of: agents, teams, calendars, inboxes, SLA policies, by the ids they had elsewhere.

Who is here already under the same e-mail or name is the same, and is left as he is; he only learns his external id.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, select

from app import clock
from app.calendars import actions as calendar_actions
from app.calendars import queries as calendar_queries
from app.calendars.models import Calendar, CalendarVersion
from app.clock import now
from app.contacts.actions import checked_email
from app.database import across_accounts, session, transaction
from app.errors import Invalid
from app.events.log import HISTORY
from app.history import lines
from app.history.story import Names, unknown
from app.i18n import _
from app.inboxes import actions as inbox_actions
from app.inboxes import queries as inbox_queries
from app.inboxes.models import Inbox
from app.security import new_token
from app.sla import actions as sla_actions
from app.sla import queries as sla_queries
from app.sla.models import SlaPolicy
from app.timers import set_timer
from app.users import actions as user_actions
from app.users import queries as user_queries
from app.users.models import AccountUser, Team, User

BY = "system"
# Before anything that a history tells: so a calendar or a policy that it names holds for all of it
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Entry = lines.Agent | lines.Team | lines.Calendar | lines.Inbox | lines.SlaPolicy


class Directory:
    """The account's directory while a file is read."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.names = Names()
        with transaction(account_id):
            self._read()

    def take(self, line: Entry) -> bool:
        """True when the line made something new; False when it stood here already. Invalid when it cannot be taken."""
        take: dict[str, Callable[[Any], bool]] = {
            "agent": self._agent,
            "team": self._team,
            "calendar": self._calendar,
            "inbox": self._inbox,
            "sla_policy": self._policy,
        }
        # an agent may be somebody of another account, whom this one cannot see
        opened = across_accounts() if isinstance(line, lines.Agent) else transaction(self.account_id)
        with opened as current:
            current.info["causation"] = HISTORY
            return take[line.kind](line)

    def release(self) -> None:
        """What the history gave to agents who have left soon is nobody's, as what they had."""
        named = set(self.names.agents.values())
        for user_id in named - user_queries.people(self.account_id, named).keys():
            set_timer(self.account_id, user_actions.AGENT_GONE, str(user_id), now(), by=BY)

    def _read(self) -> None:
        for model, names, number in (
            (AccountUser, self.names.agents, AccountUser.user_id),
            (Team, self.names.teams, Team.id),
            (Inbox, self.names.inboxes, Inbox.id),
            (Calendar, self.names.calendars, Calendar.id),
            (SlaPolicy, self.names.policies, SlaPolicy.id),
        ):
            query = select(col(model.external_id), col(number)).where(
                col(model.account_id) == self.account_id, col(model.external_id).is_not(None)
            )
            names.update({str(external_id): found for external_id, found in session().exec(query)})

    def _agent(self, line: lines.Agent) -> bool:
        if line.external_id in self.names.agents:
            return False
        email = checked_email(line.email) or ""
        user = user_queries.by_email(email)
        if user is None:
            user = User(name=line.name, email=email, pubsub_token=new_token(), created_at=now())
            session().add(user)
            session().flush()
        # also one who has left: a history brings nobody back
        member = session().get(AccountUser, (self.account_id, user.id))
        is_new = member is None
        if member is None:
            member = user_actions.join(self.account_id, user, line.role, by=BY)
        _refuse_another(member.external_id, line.external_id)
        member.external_id = line.external_id
        session().flush()
        self.names.agents[line.external_id] = user.id
        return is_new

    def _team(self, line: lines.Team) -> bool:
        members = self._members(line.members)
        if line.external_id in self.names.teams:
            return False
        known = [team for team in user_queries.teams(self.account_id) if team.name == line.name.lower()]
        team = known[0] if known else user_actions.make_team(self.account_id, line.name, by=BY)
        _refuse_another(team.external_id, line.external_id)
        team.external_id = line.external_id
        before = user_queries.team_members(self.account_id).get(team.id, set())
        user_actions.set_team_members(team, before | members, by=BY)
        session().flush()
        self.names.teams[line.external_id] = team.id
        return not known

    def _calendar(self, line: lines.Calendar) -> bool:
        """A calendar, or one more version of it: the same `since` and hours are known, all else restates."""
        hours: dict[str, Any] = {
            "timezone": line.timezone,
            "week": line.week,
            "holidays": [day.isoformat() for day in line.holidays],
        }
        known = self.names.calendars.get(line.external_id)
        if known is None:
            name = _free(line, {calendar.name for calendar in calendar_queries.calendars(self.account_id)})
            made = calendar_actions.create_calendar(
                self.account_id, name, by=BY, since=line.since, external_id=line.external_id, **hours
            )
            self.names.calendars[line.external_id] = made.id
            return True
        calendar = calendar_queries.calendar(self.account_id, known)
        if any(_is_same(version, line) for version in calendar_queries.versions(calendar)):
            return False
        calendar_actions.update_calendar(calendar, by=BY, since=line.since, **hours)
        return True

    def _policy(self, line: lines.SlaPolicy) -> bool:
        """A policy as it was from the beginning. One of that name here with other targets is another one."""
        if line.external_id in self.names.policies:
            return False
        wanted = {
            "first_response_seconds": line.first_response_seconds,
            "next_response_seconds": line.next_response_seconds,
            "resolution_seconds": line.resolution_seconds,
            "is_business_time": line.business_time,
            "pause_while": sorted(set(line.pause_while)),
        }
        here = sla_queries.policies(self.account_id)
        same = [policy for policy in here if policy.name == line.name and _targets(policy) == wanted]
        if same and same[0].external_id is None:
            policy = same[0]
        else:
            name = _free(line, {policy.name for policy in here})
            with clock.stopped_at(LONG_AGO):
                policy = sla_actions.create_policy(self.account_id, name, by=BY, **wanted)
            same = []
        policy.external_id = line.external_id
        session().flush()
        self.names.policies[line.external_id] = policy.id
        return not same

    def _inbox(self, line: lines.Inbox) -> bool:
        members = self._members(line.members)
        if line.calendar is not None and line.calendar not in self.names.calendars:
            raise Invalid("", unknown("calendar", line.calendar))
        if line.external_id in self.names.inboxes:
            return False
        same = [
            inbox
            for inbox in inbox_queries.inboxes(self.account_id)
            if inbox.name == line.name and inbox.channel == line.channel and inbox.external_id is None
        ]
        inbox = same[0] if same else inbox_actions.create_inbox(self.account_id, line.channel, line.name, by=BY)
        inbox.external_id = line.external_id
        before = inbox_queries.member_ids(self.account_id, inbox.id)
        inbox_actions.set_members(inbox, before | members, by=BY)
        if line.calendar is not None and inbox.calendar_id is None:
            calendar = calendar_queries.calendar(self.account_id, self.names.calendars[line.calendar])
            calendar_actions.assign(inbox, calendar, by=BY, occurred_at=LONG_AGO)
        session().flush()
        self.names.inboxes[line.external_id] = inbox.id
        return not same

    def _members(self, external_ids: list[str]) -> set[int]:
        for name in external_ids:
            if name not in self.names.agents:
                raise Invalid("", unknown("agent", name))
        return {self.names.agents[name] for name in external_ids}


def _free(line: lines.Calendar | lines.SlaPolicy, taken: set[str]) -> str:
    """The name, told apart from one that is here already and means something else."""
    return line.name if line.name not in taken else f"{line.name} ({line.external_id})"


def _is_same(version: CalendarVersion, line: lines.Calendar) -> bool:
    week = [sorted(day) for day in line.week]
    holidays = sorted({day.isoformat() for day in line.holidays})
    told = version.since, version.timezone, [sorted(day) for day in version.week], sorted(version.holidays)
    return told == (line.since, line.timezone, week, holidays)


def _targets(policy: SlaPolicy) -> dict[str, Any]:
    targets: dict[str, Any] = policy.facts()["targets"]
    return targets | {"pause_while": sorted(targets["pause_while"])}


def _refuse_another(known: str | None, wanted: str) -> None:
    if known is not None and known != wanted:
        raise Invalid("", _("this is “%(name)s” already.", name=known))
