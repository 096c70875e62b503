"""Drafts with sources, three links, or an honest no."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from captain.embedder import Embedder, Vectors
from captain.index import Hit, fuse
from captain.passages import WHOLE
from captain.reply import ELISION, PHRASES, quotes, reply
from captain.shelf import Article, Shelf
from captain.text import question
from captain.wire import Reply, Thresholds, Verdict

EAGER = Thresholds(answer=0.0, suggest=0.0)
HESITANT = Thresholds(answer=1.0, suggest=0.0)
SILENT = Thresholds(answer=1.0, suggest=1.0)

PROSE = Article(
    "lake",
    "Иссык-Куль",
    "Иссык-Куль лежит на высоте 1607 метров. Наибольшая глубина озера — 668 метров. Оно не замерзает зимой, потому что "
    "вода солоновата. В озеро впадает около восьмидесяти рек. На дне находят остатки древних поселений. Летом вода "
    "прогревается до 24 градусов. Берега богаты облепихой и абрикосами. Воздух здесь и горный, и морской. В посёлках "
    "на северном берегу много пансионатов, а южный берег тише. Первые учёные приехали сюда в XIX веке. Озеро питают "
    "ледники, и вода в нём так прозрачна, что дно видно на двадцать метров. Рыбаки ловят форель и чебака.\n\n## Дорога"
    "\n\nВдоль берега проложена дорога длиной более четырёхсот километров.",
)


CHAT = Article(
    "chat",
    "Как поставить онлайн-чат на сайт",
    "Чат — самый быстрый канал: посетитель видит кнопку, пишет, и сообщение сразу появляется у команды. Понадобится доступ "
    "к коду сайта и роль администратора.\n\n## Создать канал и вставить код\n\n1. Откройте «Настройки → Каналы → Новый канал» "
    "и выберите «Сайт».\n2. Введите название, адрес и цвет виджета.\n3. Добавьте агентов, которые будут отвечать. Канал увидят "
    "только они и администраторы.\n4. Скопируйте показанный код и вставьте его на все страницы перед закрывающим тегом.\n"
    "5. Откройте страницу. Когда виджет впервые загрузится, мастер покажет «Чат подключён».\n\nНужен всего один тег, ничего "
    "устанавливать не требуется. Код можно в любой момент найти на странице канала, вкладка «Установка».\n\n## Виджет на сайте "
    "не появляется\n\nПроверьте по порядку: код вставлен на ту же страницу; адрес сайта входит в список разрешённых доменов; "
    "блокировщик рекламы выключен.",
)


NEIGHBOUR = Article(
    "high-lake",
    "Сон-Куль",
    "Сон-Куль лежит выше трёх тысяч метров, и дорога к нему открыта с июня по сентябрь. Зимой озеро сковывает лёд на двести "
    "дней. Летом пастухи ставят на берегу юрты и угощают кумысом. Деревьев вокруг нет. Снег может пойти и в июле, поэтому "
    "тёплую одежду берут с собой всегда. Рыбу сюда завезли в середине прошлого века. Перевалы вокруг озера размывает дождями, "
    "и весной их чинят. Связи на берегу нет. Продукты покупают заранее в Кочкоре, потому что лавок у озера не держат, а до "
    "ближайшего посёлка два часа езды. Ночуют гости в юртах, где вечером топят печку.\n\n## Что взять\n\nСпальный мешок и "
    "фонарь пригодятся каждому.",
)


def hits(shelf: Shelf, asked: str, without: frozenset[str] = frozenset()) -> list[Hit]:
    return fuse(question(asked), shelf.candidates(question(asked), without=without))


def said(
    shelf: Shelf, asked: str, thresholds: Thresholds = EAGER, language: str = "ru", greeting: bool = False
) -> Reply:
    return reply(asked, hits(shelf, asked), shelf.embedder, language=language, thresholds=thresholds, greeting=greeting)


def test_an_answer_quotes_the_article_word_for_word_and_cites_it(shelf: Shelf) -> None:
    told = said(shelf, "сколько стоит доставка в Ош")
    (citation,) = told.citations
    assert told.verdict is Verdict.ANSWER
    assert citation.external_id == "delivery"
    assert citation.quote == "По Бишкеку доставляем за день, это 200 сомов. В Ош — три дня, 350 сомов."
    assert told.text == f"{citation.quote} [1]"


def test_an_answer_names_other_articles_but_not_the_cited_one(shelf: Shelf) -> None:
    told = said(shelf, "сколько стоит доставка в Ош")
    assert 0 < len(told.alternatives) <= 3
    assert "delivery" not in {alternative.external_id for alternative in told.alternatives}


def test_an_article_that_asks_the_same_answers_with_its_steps_though_the_list_repeats_no_word(shelf: Shelf) -> None:
    shelf = Shelf([CHAT], shelf.embedder)
    asked = question("как поставить чат на сайт")
    found = shelf.candidates(asked)
    ranked = fuse(asked, found)
    assert not any("1. Откройте" in hit.candidate.text for hit in ranked), "the list is not among the best passages"
    told = reply(asked, ranked, shelf.embedder, language="ru", thresholds=EAGER, candidates=found)
    assert told.text.startswith("1. Откройте «Настройки → Каналы → Новый канал»")
    other = question("через сколько сайт появится в списке")
    told = reply(other, fuse(other, found), shelf.embedder, language="ru", thresholds=EAGER, candidates=found)
    assert "1. Откройте" not in told.text


def test_steps_are_quoted_whole_with_their_introduction(shelf: Shelf) -> None:
    assert said(shelf, "как вернуть чайник").citations[0].quote == (
        "Чтобы вернуть чайник:\n\n"
        "1. Откройте «Мои заказы» и выберите чайник.\n"
        "2. Нажмите «Вернуть» и назовите причину.\n"
        "3. Отнесите посылку в любой пункт выдачи."
    )


def test_a_short_article_is_quoted_whole(model: Embedder) -> None:
    text = "Баллы даём за покупки. За 100 сомов — три балла.\n\nБаллы сгорают через год. Их можно подарить."
    points = Shelf([Article("points", "Баллы", text), Article("tea", "Чай", "Чай растёт в горах.")], model)
    assert quotes("когда сгорают баллы", hits(points, "когда сгорают баллы"), model)[0][1] == text


def test_of_a_short_article_the_passages_that_were_not_ranked_are_looked_through_too(model: Embedder) -> None:
    lake = Shelf([PROSE, Article("tea", "Чай", "Чай растёт в горах.")], model)
    asked = "какая у озера наибольшая глубина"
    found = lake.candidates(asked)
    ranked = [hit for hit in fuse(asked, found) if "668" not in hit.candidate.text]
    assert ranked[0].candidate.external_id == "lake"
    ((_, words),) = quotes(asked, ranked, model, count=1, candidates=found)
    assert words == "Наибольшая глубина озера — 668 метров."


def test_of_long_prose_the_two_best_sentences_are_quoted_in_their_order(model: Embedder) -> None:
    lake = Shelf([PROSE, Article("tea", "Чай", "Чай растёт в горах.")], model)
    found = hits(lake, "какая глубина озера и почему оно не замерзает")
    assert [words for _, words in quotes("какая глубина озера и почему оно не замерзает", found, model)] == [
        "Наибольшая глубина озера — 668 метров. Оно не замерзает зимой, потому что вода солоновата."
    ]


def test_sentences_that_the_index_knows_are_not_read_again_and_others_are(model: Embedder) -> None:
    lake = Shelf([PROSE, Article("tea", "Чай", "Чай растёт в горах.")], model)
    asked = "какая глубина озера и почему оно не замерзает"
    reader = Counting(model)
    known = quotes(asked, hits(lake, asked), reader)
    assert reader.documents == 0
    bare = [replace(hit, candidate=replace(hit.candidate, sentence_cosines=())) for hit in hits(lake, asked)]
    assert [words for _, words in quotes(asked, bare, reader)] == [words for _, words in known]
    assert reader.documents > 0


class Counting:
    """An embedder that counts the documents it is given."""

    def __init__(self, inner: Embedder) -> None:
        self.name, self.dimension, self.encode_query = inner.name, inner.dimension, inner.encode_query
        self.documents = 0
        self._inner = inner

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        self.documents += len(texts)
        return self._inner.encode_document(texts)


def test_claims_of_two_passages_are_numbered_apart_each_with_its_own_words(model: Embedder) -> None:
    lake = Shelf([PROSE, Article("tea", "Чай", "Чай растёт в горах.")], model)
    asked = "какова наибольшая глубина озера и какой длины дорога вдоль берега"
    told = reply(asked, hits(lake, asked), model, language="ru", thresholds=EAGER)
    assert [citation.n for citation in told.citations] == [1, 2]
    first, second = told.citations
    assert first.passage_id != second.passage_id
    assert "668 метров" in first.quote
    assert "четырёхсот километров" in second.quote
    assert told.text == f"{first.quote} [1]\n\n{second.quote} [2]"
    assert "lake" not in {alternative.external_id for alternative in told.alternatives}


def test_where_sentences_are_left_out_one_sees_it(model: Embedder) -> None:
    lake = Shelf([PROSE, Article("tea", "Чай", "Чай растёт в горах.")], model)
    asked = "на какой высоте лежит озеро и сколько рек впадает"
    ((hit, quoted),) = quotes(asked, hits(lake, asked), model)
    assert ELISION in quoted
    assert all(part in hit.candidate.text for part in quoted.split(ELISION))


def test_an_article_close_behind_the_best_may_say_the_better_sentence_and_one_far_behind_may_not(
    model: Embedder,
) -> None:
    lakes = Shelf([PROSE, NEIGHBOUR, Article("tea", "Чай", "Чай растёт в горах.")], model)
    asked = "на сколько дней зимой озеро сковывает лёд"
    first = next(hit for hit in hits(lakes, asked) if hit.candidate.external_id == "lake")
    others = [hit for hit in hits(lakes, asked) if hit.candidate.external_id == "high-lake"]
    close, far = ([replace(first, score=2.0), *(replace(hit, score=at) for hit in others)] for at in (1.9, 0.9))
    ((hit, words),) = quotes(asked, close, model, count=1)
    assert (hit.candidate.external_id, words) == ("high-lake", "Зимой озеро сковывает лёд на двести дней.")
    assert {hit.candidate.external_id for hit, _ in quotes(asked, far, model)} == {"lake"}


def test_a_customer_is_answered_from_the_translation_he_can_read(shelf: Shelf) -> None:
    assert "Bishkek time" in said(shelf, "when do you answer", language="en").text
    assert "по Бишкеку" in said(shelf, "в какие часы вы отвечаете").text


def test_a_quote_in_another_language_is_announced_in_the_customers(shelf: Shelf) -> None:
    told = said(shelf, "how much is delivery to Osh", language="en")
    assert told.citations[0].external_id == "delivery"
    assert told.text == f"{PHRASES['en']['foreign']}\n\n{told.citations[0].quote} [1]"


def test_a_greeting_comes_only_when_asked_for(shelf: Shelf) -> None:
    assert said(shelf, "забыл пароль", greeting=True).text.startswith("Здравствуйте!\n\nНа странице входа")
    assert said(shelf, "забыл пароль").text.startswith("На странице входа")


def test_in_doubt_three_links_of_three_articles_are_suggested(shelf: Shelf) -> None:
    told = said(shelf, "забыл пароль", HESITANT)
    assert told.verdict is Verdict.SUGGEST
    assert told.citations == ()
    assert told.alternatives[0].external_id == "password"
    assert len({alternative.article_id for alternative in told.alternatives}) == 3
    assert told.text.startswith("Возможно, это поможет:\n\n• Забыли пароль\n• ")


def test_a_link_is_given_when_there_is_one(shelf: Shelf) -> None:
    found = hits(shelf, "забыл пароль")
    linked = [replace(hit, candidate=replace(hit.candidate, url="https://example.org/hc/7")) for hit in found]
    told = reply("забыл пароль", linked, shelf.embedder, language="ru", thresholds=HESITANT)
    assert "• Забыли пароль: https://example.org/hc/7" in told.text


def test_who_does_not_know_says_so_and_cites_nothing(shelf: Shelf) -> None:
    told = said(shelf, "кто президент Франции", Thresholds())
    assert told.verdict is Verdict.ABSTAIN
    assert (told.citations, told.alternatives) == ((), ())
    assert told.text == PHRASES["ru"]["abstain"]


def test_without_candidates_he_abstains(model: Embedder) -> None:
    told = reply("сколько стоит доставка", [], model, language="en", thresholds=EAGER)
    assert (told.verdict, told.confidence, told.ranking.hits) == (Verdict.ABSTAIN, 0.0, ())
    assert told.text == PHRASES["en"]["abstain"]


def test_thresholds_of_the_account_decide(shelf: Shelf) -> None:
    verdicts = [said(shelf, "забыл пароль", chosen).verdict for chosen in (EAGER, HESITANT, SILENT)]
    assert verdicts == [Verdict.ANSWER, Verdict.SUGGEST, Verdict.ABSTAIN]


def test_the_ranking_goes_along_with_all_it_rests_on(shelf: Shelf) -> None:
    ranking = said(shelf, "забыл пароль", SILENT).ranking
    assert ranking.hits[0].external_id == "password"
    assert ranking.features["told"] > 0
    assert [hit.score for hit in ranking.hits] == sorted((hit.score for hit in ranking.hits), reverse=True)


@pytest.mark.parametrize("text", ["", "слово " * 2000, "ы" * 3000, "1. раз\n2. два\n" * 300])
def test_a_passage_of_any_shape_gives_a_quote_of_bearable_length(shelf: Shelf, text: str) -> None:
    found = [replace(hit, candidate=replace(hit.candidate, text=text)) for hit in hits(shelf, "забыл пароль")[:1]]
    assert 0 < sum(len(words) for _, words in quotes("забыл пароль", found, shelf.embedder)) <= WHOLE
