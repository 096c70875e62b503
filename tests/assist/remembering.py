"""The past of a desk in a test: conversations that were asked, answered and resolved, as Captain remembers them."""

from app.assist import memory
from app.conversations.actions import resolve
from app.conversations.models import Message
from app.conversations.queries import locked
from app.database import transaction
from tests.assist.desk import works
from tests.world import World, asks, replies

SOLVED = (
    ("mika", "Не приходит письмо для смены пароля, что делать?", "Проверьте папку «Спам», письмо приходит за пять минут."),
    ("ivan", "Сколько стоит доставка в Ош?", "Доставка в Ош стоит 350 сомов и занимает три дня."),
    ("olga", "Разбилась банка варенья в пути, верните деньги", "Вернём деньги за разбитую банку на карту за пять дней."),
)  # fmt: skip


def solves(world: World, who: str, question: str, answer: str) -> Message:
    """The customer asks, Ada answers and resolves."""
    asked = asks(world, question, who=who)
    replies(world, asked, answer)
    with transaction(world.account_id):
        resolve(locked(world.account_id, asked.conversation_id), by=world.ada.actor)
    return asked


def remembers(world: World) -> list[Message]:
    """The first message of each of SOLVED, once Captain remembers them all."""
    asked = [solves(world, *one) for one in SOLVED]
    works(world)
    with transaction(world.account_id):
        memory.remember_past(world.account_id)
    works(world)
    return asked
