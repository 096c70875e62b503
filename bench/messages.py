"""How many messages a second go through the API, beside the same rows written by bare psycopg in the same run.

An agent's replies over HTTP, kept on disk before they are answered, with the engine following the log as it does always.
The peer writes what one reply writes (message, conversation, counter, event) over as many connections, one transaction
each, with nobody to check, to ask or to tell.
"""

from bench.figures import Figure, percentile, spread
from bench.hammer import Done, Orders, Place, hammer
from bench.people import Team, open_conversations, team
from bench.stage import Stage, conninfo, superuser

ACCOUNTS = 20
CONNECTIONS = 16
SECONDS = 5.0
ROUNDS = 3
WHO = ("web", "postgres", "engine")


def measure(stage: Stage) -> list[Figure]:
    """Over twenty accounts, then in a single hot one."""
    many = [_place(team(f"many-{n}"), 300) for n in range(ACCOUNTS)]
    hot = [_place(team("hot"), 5000)]
    _hammered(stage, "api", many, 2.0)
    return _beside(stage, f"replies by the API, {ACCOUNTS} accounts", many, ("≥ 600", "≥ 50 %")) + _beside(
        stage, "replies by the API, one hot account", hot, ("", "")
    )


def _beside(stage: Stage, what: str, places: list[Place], goals: tuple[str, str]) -> list[Figure]:
    ours, theirs = [], []
    busy = dict.fromkeys(WHO, 0.0)
    for _round in range(ROUNDS):
        before = {name: stage.busy_seconds(name) for name in WHO}
        ours.append(_hammered(stage, "api", places, SECONDS))
        busy = {name: busy[name] + stage.busy_seconds(name) - before[name] for name in WHO}
        theirs.append(_hammered(stage, "rows", places, SECONDS))
    mine, bare = (percentile([done.per_second for done in rounds], 0.5) for rounds in (ours, theirs))
    taken = [one for done in ours for one in done.seconds]
    n = len(taken)
    peer = f"bare psycopg: {bare:,.0f}/s"
    return [
        Figure(what, mine, "/s", n, goals[0], peer),
        Figure("  its share of bare psycopg", 100 * mine / bare, "%", n, goals[1]),
        *spread("  one reply", taken),
        *(Figure(f"  a core busy in {name} for each", 1000 * busy[name] / n, "ms", n) for name in WHO),
    ]


def _hammered(stage: Stage, by: str, places: list[Place], seconds: float) -> Done:
    return hammer(Orders(by, places, CONNECTIONS, seconds, stage.host, stage.port, conninfo()))


def _place(of: Team, conversations: int) -> Place:
    open_conversations(of, conversations)
    with superuser() as connection:
        row = connection.execute("select min(id) from conversation where account_id = %s", [of.account_id]).fetchone()
    return Place(of.account_id, of.user.id, of.api_token, of.inbox.id, row[0] if row else 0, conversations)
