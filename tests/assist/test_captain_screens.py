"""Captain's desk in the workspace: who may look, what is shown, what a form changes."""

import io

import pytest
from sqlmodel import select

from app.assist import insight, trials
from app.assist.actions import Proposal, accept, propose, reject, suggest_pair
from app.assist.assistants import assistants, first_assistant, served_by
from app.assist.models import Document, DocumentState, Mode, Source, SourceState, TrialState
from app.conversations.actions import CAPTAIN, Writing, reply
from app.conversations.queries import locked
from app.database import transaction
from tests.assist.desk import help_center
from tests.entering import signed_in
from tests.world import World, acme, asks

pytestmark = pytest.mark.usefixtures("database")


def test_an_administrator_sets_up_an_assistant_and_the_inbox_follows() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    assert "Капитан" in ada.get("/captain").text
    found = _default(world)
    form = {"mode": "answers", "error_percent": "5", "inbox_ids": str(world.inbox.id), "name": "Нора", "tone": "formal"}
    assert ada.post(f"/captain/assistants/{found.id}", data=form).status_code == 303
    with transaction(world.account_id):
        changed = first_assistant(world.account_id)
        assert (changed.name, changed.mode, changed.accepted_error) == ("Нора", Mode.ANSWERS, 0.05)
        assert [inbox.captain_answers for inbox in served_by(changed)] == [True]
    assert "95" in ada.get(f"/captain/assistants/{found.id}").text


def test_what_a_form_gets_wrong_is_said_in_words() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    found = _default(world)
    for form in ({"error_percent": "99"}, {"mode": "wild"}, {"name": ""}):
        answer = ada.post(f"/captain/assistants/{found.id}", data=form)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert ada.post(f"/captain/assistants/{found.id}/deletion").status_code == 422


def test_another_assistant_takes_an_inbox_and_gives_it_back() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    ada.post("/captain/assistants", data={"name": "Ночной"})
    with transaction(world.account_id):
        second = assistants(world.account_id)[1]
    form = {"mode": "drafts", "error_percent": "10", "inbox_ids": str(world.inbox.id), "name": "Ночной"}
    ada.post(f"/captain/assistants/{second.id}", data=form)
    with transaction(world.account_id):
        everyone = assistants(world.account_id)
        assert [len(served_by(one)) for one in everyone] == [0, 1]
    assert ada.post(f"/captain/assistants/{second.id}/deletion").status_code == 303
    with transaction(world.account_id):
        assert [len(served_by(one)) for one in assistants(world.account_id)] == [1]


def test_sources_and_pairs_are_added_and_taken_away() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    found = _default(world)
    upload = {"file": (io.BytesIO("# Гарантия\n\nГод.".encode()), "g.md")}
    assert ada.post(f"/captain/assistants/{found.id}/sources", data=upload).status_code == 303
    assert "g.md" in ada.get("/captain/sources").text
    address = {"kind": "page", "url": "ftp://x"}
    assert ada.post(f"/captain/assistants/{found.id}/sources", data=address).status_code == 422
    pair = {"title": "Есть скидки?", "content": "Да, по вторникам."}
    assert ada.post(f"/captain/assistants/{found.id}/questions", data=pair).status_code == 303
    with transaction(world.account_id) as current:
        document_id = current.exec(select(Document.id)).one()
    ada.post(f"/captain/questions/{document_id}", data=pair | {"state": "rejected"})
    with transaction(world.account_id) as current:
        assert current.get_one(Document, (world.account_id, document_id)).state == "rejected"


def test_a_pair_is_approved_as_it_stands_with_one_click() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    with transaction(world.account_id) as current:
        found = first_assistant(world.account_id)
        pair = suggest_pair(found, "Есть скидки?", "Да, по вторникам.", by=world.ada.actor)
        pair.state = DocumentState.PENDING
        current.flush()
        document_id = pair.id
    page = ada.get("/captain/questions").text
    assert page.index("Есть скидки?") < page.index('value="approved"') < page.index('id="new"')
    assert "<h3>Есть скидки?</h3>" in page, "what waits for a decision is read without opening anything"
    ada.post(f"/captain/questions/{document_id}", data={"state": "approved"})
    with transaction(world.account_id) as current:
        kept = current.get_one(Document, (world.account_id, document_id))
        assert (kept.title, kept.content, kept.state) == ("Есть скидки?", "Да, по вторникам.", "approved")
    assert "<h3>Есть скидки?</h3>" not in ada.get("/captain/questions").text


def test_the_page_of_sources_looks_again_only_while_one_is_being_read() -> None:
    world = acme()
    ada = signed_in(world.ada, world)
    found = _default(world)
    ada.post(f"/captain/assistants/{found.id}/sources", data={"file": (io.BytesIO(b"# A\n\nB."), "a.md")})
    assert '<kp-progress data-state="running">' in ada.get("/captain/sources").text
    with transaction(world.account_id) as current:
        current.exec(select(Source)).one().state = SourceState.FAILED
    assert '<kp-progress data-state="done">' in ada.get("/captain/sources").text


def test_what_captain_said_to_a_customer_shows_agents_where_he_has_it_from() -> None:
    world = acme()
    asked = asks(world)
    source = {"n": 1, "title": "Возврат", "url": "http://localhost/hc/a", "quote": "Три дня"}
    with transaction(world.account_id):
        attributes = {"captain": "answer", "citations": [source]}
        said = reply(
            locked(world.account_id, asked.conversation_id),
            CAPTAIN,
            Writing("Три дня [1]", content_attributes=attributes),
        )
    page = signed_in(world.ada, world).get("/conversations/1").text
    assert f'<a class="cite" href="#message-{said.id}-1">1</a>' in page
    assert f'<li id="message-{said.id}-1"><a href="http://localhost/hc/a"' in page


def test_the_playground_and_an_article_tell_what_they_can_without_captain() -> None:
    world = acme()
    articles = help_center(world)
    ada = signed_in(world.ada, world)
    assert ada.get("/captain/playground").status_code == 200
    assert ada.get("/captain/playground?q=Позовите оператора").status_code == 200
    assert ada.get("/captain/playground?q=Как сменить пароль?").status_code == 200
    assert ada.get(f"/help-center/articles/{articles[0].id}/captain").status_code == 200


def test_an_accepted_error_is_shown_by_what_agents_decided() -> None:
    world = acme()
    for n in range(12):
        asked = asks(world, who=f"guest-{n}")
        with transaction(world.account_id):
            found = locked(world.account_id, asked.conversation_id)
            draft = propose(found, asked, Proposal("Уже едет.", [], 0.93 if n % 2 else 0.6, [], [], {}, True))
            (accept if n % 4 else reject)(found, draft.id, by=world.ada)
    with transaction(world.account_id):
        past = insight.past(first_assistant(world.account_id))
    assert [past.at(error) for error in (0.05, 0.1, 0.5)] == [(0, 0), (6, 6), (12, 9)]
    assert signed_in(world.ada, world).get(f"/captain/assistants/{_default(world).id}").status_code == 200


def test_an_agent_may_not_change_captain() -> None:
    world = acme()
    bo = signed_in(world.bo, world)
    assert bo.get("/captain").status_code == 403
    assert "/captain" not in bo.get("/conversations").text


def _default(world: World):
    with transaction(world.account_id):
        return first_assistant(world.account_id)


def test_other_settings_are_tried_before_they_go_live() -> None:
    world = acme()
    ada, bo = signed_in(world.ada, world), signed_in(world.bo, world)
    found = _default(world)
    form = {"mode": "answers", "error_percent": "5", "tone": "formal"}
    answer = ada.post(f"/captain/assistants/{found.id}/trials", data=form)
    assert answer.status_code == 303
    place = answer.location
    assert "5&nbsp;%" in ada.get(place).text
    assert _default(world).accepted_error == found.accepted_error
    assert ada.post(f"{place}/switch").status_code == 422
    assert bo.get(place).status_code == bo.post(f"{place}/switch").status_code == 403
    with transaction(world.account_id):
        trial = trials.trial_of(world.account_id, int(place.rpartition("/")[2]))
        trial.state = TrialState.DONE
    assert "notice--honey" in ada.get(place).text, "there is no past to try it on"
    assert ada.post(f"{place}/switch", data={"for": "drafts"}).status_code == 303
    assert (_default(world).mode, _default(world).accepted_error) == (Mode.DRAFTS, 0.05)
    assert ada.post(f"/captain/assistants/{found.id}/trials", data={"error_percent": "99"}).status_code == 422
