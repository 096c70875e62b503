"""What a customer wants, by his words: many ways to ask for a person, and many questions that only sound like one."""

import pytest

from app.assist.wishes import Wish, affirms, language, wish

FOR_A_PERSON = """
позовите оператора|соедините с человеком|Соедините меня с живым оператором пожалуйста|переключите на менеджера
мне нужен живой человек|хочу поговорить с человеком|можно оператора?|оператор|Оператора!|живой человек|дайте человека
дайте мне нормального специалиста|свяжите меня с поддержкой|не хочу общаться с ботом|есть кто живой?|нужен оператор
Нужна помощь оператора|хочу связаться с вашим сотрудником|как мне поговорить с оператором?|переведите на сотрудника
позови человека|хватит отвечать как робот|люди есть?|передайте менеджеру|А можно с живым человеком поговорить
хочу человека|вызовите оператора|Пригласите специалиста, пожалуйста|соедини меня с оператором
can I talk to a human?|connect me to an agent|I want to speak with a real person|human please|operator|agent
let me speak to your manager|I need a human|transfer me to support|get me a person|is there anybody there?
stop this bot|speak to someone|I'd like to talk to someone from your support team|put me through to an operator
оператора позовите|человека мне|хочу живого|с человеком можно?|к оператору хочу|а живые люди тут есть?|бот не надо, человека
опереатора|перезвоните мне пожалуйста|свяжитесь со мной|jgthfnjhf|gjpjdbnt xtkjdtrf|pozovite operatora|call me back
"""
QUESTIONS = """
Как добавить оператора в команду?|как назначить диалог на сотрудника|Как пригласить сотрудника?
можно ли ограничить доступ агента к каналам|Сколько операторов можно добавить?|как подключить оператора к чату
Как перевести диалог на другого агента?|чем администратор отличается от агента|Нужно ли оператору подтверждать почту?
Что видит агент?|сколько человек может работать|Как связать канал с командой|Как дать агенту доступ к каналу
Можно ли добавить второго администратора|Хочу добавить оператора в команду, как это сделать?
Здравствуйте! Как войти?|как вернуть диалог в список|как решить диалог|Диалог решён, как переоткрыть?
помогло, но как теперь удалить метку|Что делать, если не получилось войти?|Не получается войти в аккаунт
Получилось войти, не вижу диалогов|Chat is not working|Is there an agent limit?|Can agents chat with each other?
How do I transfer a conversation to another agent?|how to add an agent|What can an agent see?
сколько можно хранить файлы|сколько файлов можно|за сколько можно отменить заказ|на какой номер вы мне звоните|не звоните мне
мошенники прислали письмо от вашего имени, что делать|Where do I report fraud?|достали из коробки, а кнопки нет
дома бардак, как скрыть фон|как оставить жалобу на товар|не понял, как подключить телеграм|спасибо, а сколько ждать?
How big must my order be to avoid the charge?|как вызвать мастера|можно ли оформить на другого человека
"""
MACHINES = """
Это автоматический ответ. Ваше сообщение получено, мы свяжемся с вами.|Автоответ: я в отпуске до 12 декабря
Данное письмо сформировано автоматически, отвечать на него не нужно.|Пожалуйста, не отвечайте на это письмо
Ваше обращение №4512 зарегистрировано|Сейчас в командировке с 3 по 9 ноября, отвечу позже|На это сообщение не нужно отвечать
Automatic reply: I am out of office until Monday|This is an automated message.|Please do not reply to this email
Thank you for contacting us! We will get back to you within 24 hours.|We have received your request, your ticket is #4411
"""
NO_MACHINES = """
Как настроить автоматический ответ?|Автоответ не приходит клиентам|Как включить автоответ вне рабочих часов
Я в отпуске до 5 числа, можно перенести доставку?|Почему клиентам не отправляется сообщение автоматически
Получили ли вы моё письмо?|how do I set up an automatic reply|Where do I see that my message has been received
Ответ приходит дважды, что делать|Сообщение не отправлено
"""
OTHERS = {
    Wish.SOLVED: "Спасибо, помогло|все заработало, спасибо!|it works now, thanks|да, все получилось спасибо большое|"
    "уже не надо, спасибо|неактуально",
    Wish.FAILED: "не помогло|нет, не работает|это не то|still not working|that didn't help|Ответ не помог|не понял|"
    "я не про это|я другое спросил|уже пробовал, не работает",
    Wish.THANKS: "спасибо|Спасибо большое!|👍|ок|Thanks for your help|ок понял|ладно|рахмат|супер, спасибо|cgfcb,j|spasibo",
    Wish.HELLO: "привет|Здравствуйте!|Hello|привет как дела|у меня вопрос|здрасьте|подскажите пожалуйста|ghbdtn|privet",
    Wish.WHO: "ты бот?|вы робот или человек|кто ты|are you a bot?",
    Wish.NOTHING: "|🐸|...",
    Wish.ANGER: "вы издеваетесь??|ВЕРНИТЕ МОЙ ЗАКАЗ НЕМЕДЛЕННО!|This is ridiculous|вы охренели?|сколько можно!|"
    "вы мошенники|хочу пожаловаться на курьера|это обман",
    Wish.MONEY: "верните деньги|с меня дважды списали деньги|I want a refund|где мои деньги|когда вернете деньги|"
    "сделайте возврат|деньги ушли, заказа нет",
}


@pytest.mark.parametrize("words", FOR_A_PERSON.strip().replace("\n", "|").split("|"))
def test_who_asks_for_a_person_is_understood(words: str) -> None:
    assert wish(words) == Wish.HUMAN


@pytest.mark.parametrize("words", QUESTIONS.strip().replace("\n", "|").split("|"))
def test_a_question_about_people_is_a_question(words: str) -> None:
    assert wish(words) == Wish.QUESTION


@pytest.mark.parametrize("words", MACHINES.strip().replace("\n", "|").split("|"))
def test_an_automatic_answer_is_known_for_one(words: str) -> None:
    assert wish(words) == Wish.MACHINE


@pytest.mark.parametrize("words", NO_MACHINES.strip().replace("\n", "|").split("|"))
def test_who_asks_about_automatic_answers_is_a_person(words: str) -> None:
    assert wish(words) != Wish.MACHINE


@pytest.mark.parametrize(("wanted", "words"), [(w, one) for w, many in OTHERS.items() for one in many.split("|")])
def test_other_wishes(wanted: Wish, words: str) -> None:
    assert wish(words) == wanted


def test_yes_and_no_stand_alone() -> None:
    assert [affirms(words) for words in ("Да!", "нет", "да, но как?", "yes")] == [True, False, None, True]


def test_the_language_is_that_of_the_letters() -> None:
    assert [language(words, "ru") for words in ("Hello", "Привет", "Как настроить webhook?", "👍")] == [
        "en",
        "ru",
        "ru",
        "ru",
    ]
    assert language("gjpjdbnt xtkjdtrf", "en") == "ru", "the keyboard stood on the other layout"
    assert language("pozovite operatora", "en") == "ru", "Russian in Latin letters"


@pytest.mark.parametrize("words", ["\x00", "а" * 100_000, "\ud800", "👍" * 5000, "не " * 30_000])
def test_nothing_a_customer_can_write_makes_it_stumble(words: str) -> None:
    assert wish(words) in set(Wish)
