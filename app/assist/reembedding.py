"""Another model: it reads everything beside the vectors in use, in the background; then the account switches at once.

Until then questions are embedded by the model that made the vectors in use, as long as Captain still has it.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.assist import memory
from app.assist.actions import EMBED
from app.database import across_accounts, session
from app.deliveries.actions import owe


@dataclass(frozen=True)
class Progress:
    """How many passages the next model has read, of how many."""

    done: int
    total: int


def begin(model: str, dimension: int) -> list[str]:
    """Owe this model whatever others have read, in every account; the names of those others. Opens its own transaction."""
    asked = {"model": model, "dimension": dimension}
    with across_accounts() as current:
        connection = current.connection()
        connection.execute(_FORGET_GIVEN_UP, asked)
        connection.execute(_FORGET_OF_ANOTHER_SHAPE, asked)
        others = connection.execute(_OTHERS, asked).all()
        stamp = f"{time.time():.0f}"
        for row in others:
            name, number = ("article", row.article_id) if row.article_id else ("document", row.document_id)
            more: dict[str, Any] = {f"{name}_id": number, "model": model}
            owe(row.account_id, EMBED, f"{name}:{number}:anew@{stamp}", lane=f"{name}:{number}", **more)
        for (account_id,) in connection.execute(_ON_THE_WAY).all():
            switch(account_id)
        memory.begin(model)
        return sorted({name for row in others for name in row.models or ()})


def lock(account_id: int) -> None:
    """Let nobody else write vectors of the next model, or switch to it, until this transaction ends."""
    session().connection().execute(_LOCK, {"key": f"passage/{account_id}"})


def switch(account_id: int) -> None:
    """Search with the vectors of the next model, when it has read everything; the old ones go."""
    lock(account_id)
    session().connection().execute(_SWITCH, {"account": account_id})


def progress(account_id: int) -> Progress | None:
    """How far the next model has come; None when there is none."""
    row = session().connection().execute(_PROGRESS, {"account": account_id}).one()
    return Progress(row.done, row.total) if row.done else None


_FORGET_GIVEN_UP = text("""
    update passage set next_model = null, next_embedding = null, next_sentence_embeddings = null
    where next_model is not null and (next_model <> :model or vector_dims(next_embedding) <> :dimension)
""")
# A server may give other vectors under the same name: those from before compare with nothing any more
_FORGET_OF_ANOTHER_SHAPE = text("""
    update passage set model = '', embedding = null, sentence_embeddings = null
    where model = :model and vector_dims(embedding) <> :dimension
""")
# Sentences that nobody has read are read by this model too; those of passages from before there were any as well
_OTHERS = text("""
    select account_id, article_id, document_id,
        array_agg(distinct model) filter (where model not in ('', :model)) as models
    from passage where model <> :model and next_model is distinct from :model
        or model is not null and sentences_hash is distinct from ''
            and case when model = :model then sentence_embeddings else next_sentence_embeddings end is null
    group by account_id, article_id, document_id order by account_id, article_id, document_id
""")
_ON_THE_WAY = text("select distinct account_id from passage where next_model is not null")
_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
# Passages without any vector do not hold it up: the model comes to them in their own turn. So do sentences without one.
_SWITCH = text("""
    update passage set model = next_model, embedding = next_embedding, sentence_embeddings = next_sentence_embeddings,
        next_model = null, next_embedding = null, next_sentence_embeddings = null
    where account_id = :account and next_model is not null and not exists (
        select from passage p where p.account_id = :account and p.model is not null and (
            p.next_model is null and p.model <> (
                select next_model from passage n where n.account_id = :account and n.next_model is not null limit 1
            ) or p.next_model is not null and p.sentence_embeddings is not null and p.next_sentence_embeddings is null
        )
    )
""")
_PROGRESS = text("""
    select count(next_model) as done, count(model) as total from passage where account_id = :account
""")
