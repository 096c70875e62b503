"""What a customer wants besides an answer, by his words alone: a person, his money back, to say thanks. No model.

Missing one costs a sentence too many; seeing one that is not there costs an answer. So patterns ask for the form of a
request («позовите оператора»), not for the word: «как добавить оператора?» is a question like any other.
"""

import re
from enum import StrEnum

from app.text import folded


class Wish(StrEnum):
    HUMAN = "human"  # a person, please
    ANGER = "anger"  # words for people, not for a machine
    MONEY = "money"  # payments and refunds are decided by people
    SOLVED = "solved"  # it helped: he says so himself
    FAILED = "failed"  # it did not help
    THANKS = "thanks"
    HELLO = "hello"
    NOTHING = "nothing"  # no words at all: a picture, an emoji
    MACHINE = "machine"  # nobody wrote that: an automatic answer
    QUESTION = "question"


def wish(text: str) -> Wish:
    """The first that fits, the gravest first."""
    words = " ".join(folded(text).replace("’", "'").split())
    if "?" not in words and _matches(_MACHINE, words):
        return Wish.MACHINE
    if _matches(_HUMAN, words):
        return Wish.HUMAN
    if _matches(_ANGER, words) or _shouts(text):
        return Wish.ANGER
    if _matches(_MONEY, words):
        return Wish.MONEY
    return _of_a_short_one(words)


def affirms(text: str) -> bool | None:
    """Whether a bare yes or no stands there, as an answer to «помогло?»; None for anything else."""
    words = _bare(text)
    if words in {"да", "ага", "угу", "да спасибо", "yes", "yep", "yeah", "yes thanks", "yes thank you"}:
        return True
    if words in {"нет", "неа", "не", "no", "nope", "not really", "нет не помогло"}:
        return False
    return None


def says_the_same(one: str, other: str) -> bool:
    """Whether two messages hold the same letters and digits, and any."""
    return bool(_bare(one)) and _bare(one) == _bare(other)


def language(text: str, otherwise: str) -> str:
    """`ru` or `en`, by the letters; `otherwise` where there are none."""
    cyrillic, latin = len(re.findall(r"[а-яё]", text.lower())), len(re.findall(r"[a-z]", text.lower()))
    if not cyrillic and not latin:
        return otherwise
    return "ru" if cyrillic >= latin / 2 else "en"


def _of_a_short_one(words: str) -> Wish:
    bare = _bare(words)
    if not bare:
        return Wish.THANKS if any(sign in words for sign in "👍🙏❤🤝👌😊🙂") else Wish.NOTHING
    is_short = len(bare) <= 90 and "?" not in words
    if is_short and _matches(_FAILED, words):
        return Wish.FAILED
    if is_short and _matches(_SOLVED, words) and not re.search(_BUT, words):
        return Wish.SOLVED
    if re.fullmatch(_THANKS, bare):
        return Wish.THANKS
    return Wish.HELLO if re.fullmatch(_HELLO, bare) else Wish.QUESTION


def _bare(text: str) -> str:
    """Letters and digits alone."""
    return " ".join(re.findall(r"\w+", folded(text)))


def _matches(patterns: tuple[re.Pattern[str], ...], words: str) -> bool:
    return any(pattern.search(words) for pattern in patterns)


def _shouts(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= 15 and sum(letter.isupper() for letter in letters) > 0.8 * len(letters) and "!" in text


def _patterns(*sources: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(source) for source in sources)


_MACHINE = _patterns(
    r"\bэто автоматическ(ий ответ|ое (сообщение|письмо|уведомление))\b|^\W*(автоматический ответ|автоответ)\s*[:.\n]",
    r"\b(сообщение|письмо|уведомление|ответ)\s+(был[оа]?\s+)?(сформирован|создан|отправлен|сгенерирован)\w*\s+автоматически\b",
    r"\b(не отвечайте|отвечать не (нужно|надо)|не (нужно|надо) отвечать)\s+на\s+(это|данное)\s+(письмо|сообщение)",
    r"\b(на (это|данное) (письмо|сообщение)|на него) (отвечать )?не (нужно|надо|следует|требуется)( отвечать)?\b",
    r"\b(меня не будет|я не) в офисе\b|\b(я|сейчас) (нахожусь )?в (отпуске|командировке) (до|по|с) \d",
    r"\bваш\w* (сообщение|обращение|письмо|заявка|запрос)\b.{0,30}\b(получен|принят|зарегистрирован)\w*\b",
    r"^\W*(automatic (reply|response)|auto-?(reply|response)|out of (the )?office)\b",
    r"\bthis is an automat(ed|ic) (message|reply|response|e-?mail)\b|\bdo not reply to this (message|e-?mail)\b",
    r"\bi am (currently )?(out of (the )?office|on (vacation|leave)) until\b",
    r"\bwe have received your (message|request|e-?mail|inquiry)\b|\byour (ticket|case|request) has been (created|received)\b",
    r"\bthank you for (contacting|reaching out|your (message|e-?mail))\b.{0,120}\b(get back to you|respond|reply)\b",
)
_LIVE = r"(жив\w+|реальн\w+|настоящ\w+|нормальн\w+|вашего|вашим|ваш\w*|любого|любым|кого-нибудь из|какого-нибудь)\s+"
_WHO = (
    r"(оператор|человек|людьми|людей|людям|менеджер|сотрудник|специалист|консультант|агент|админ|администратор|"
    r"руководител|начальник|старш|техподдержк|поддержк|саппорт|инженер|кем-нибудь|кого-нибудь|кем-то живым)"
)
_ME = r"(мне|меня|нам|нас|пожалуйста|плиз|срочно|уже|сюда|к|с|со|на|разговор)\s+"
_PERSON = (
    r"(human|person|people|agent|operator|representative|rep|someone|somebody|manager|supervisor|staff|specialist|"
    r"support team|support|team member|employee|consultant)"
)
_ANY = r"(an?|the|your|some|any|one of your|actual|real|live|human|another)\s+"
_HUMAN = _patterns(
    rf"\b(позовите|позови|соедините|соедини|переключите|переключи|переведите|переведи|свяжите|свяжи|дайте|дай|вызовите|"
    rf"пригласите|подключите|передайте|кликните|направьте)\s+({_ME})*({_LIVE})*{_WHO}",
    rf"\b(нужен|нужна|нужны|нужно|надо|требуется|жду|ожидаю)\s+(мне\s+)?(помощь\s+)?({_LIVE})*{_WHO}\w*\s*(\W|$|чтобы|срочно|пожалуйста)",
    rf"^\W*(можно|могу я|а можно|есть)\s+(мне\s+|ли\s+)?(тут\s+|здесь\s+)?(с\s+)?({_LIVE})*{_WHO}\w*\W*$",
    rf"\b(поговорить|говорить|пообщаться|общаться|связаться|переговорить|побеседовать|созвониться|разговаривать|"
    rf"разговора|пообщался|поговорил)\b.{{0,15}}\b(с|со)\s+({_LIVE})*{_WHO}",
    rf"^\W*({_LIVE})?{_WHO}\w*(\s+(пожалуйста|срочно|плиз))?\W*$",
    r"\b(не хочу|не буду|хватит|надоел\w*|устал\w*)\b.{0,30}\b(бот|робот|машин|капитан|автоответчик|программ)",
    r"\b(живой|живого|живому|живым|реальный|реального|реальным)\s+(человек|оператор|сотрудник|собеседник|менеджер|агент)",
    r"\b(есть|остался|осталс|работает)\b.{0,20}\b(кто-нибудь живой|живые люди|живой кто|люди живые)|\bесть кто живой|\bлюди есть",
    r"\b(зови|позови|давай|давайте|хочу)\s+(сюда\s+)?(уже\s+)?(человека|оператора|людей|менеджера)\b(?!\s+(добавить|удалить|в))",
    rf"\b(talk|speak|chat|talking|speaking)\s+(to|with)\s+({_ANY})*{_PERSON}\b",
    rf"\b(connect|transfer|put|pass|get|redirect|switch|send|hand|forward|escalate)\s+(me|us|this|it)\s+(over\s+|through\s+|on\s+)?"
    rf"(to\s+|with\s+)?({_ANY})*{_PERSON}\b",
    rf"\b(want|need|like|prefer|require)\s+(to\s+\w+\s+(to|with)\s+)?({_ANY})*(human|real person|live agent|live person|operator|"
    r"human agent|representative|supervisor)\b",
    rf"^\W*({_ANY})*(human|operator|agent|representative|live agent|live chat|live person|real person)(\s+please)?\W*$",
    r"\b(is|are)\s+(there\s+)?(any|some|a)\s*(body|one|real person|human|person)\b.{0,20}\b(there|here|i can|available)",
    r"\b(not|stop|no more|hate|sick of|tired of|enough)\b.{0,20}\b(bots?|robots?|machines?|ai)\b",
    r"\b(let me|can i|could i|may i|i'd like to|i want to)\s+(talk|speak|chat)\s+(to|with)\s+(a\s+|an\s+|your\s+|the\s+)?"
    r"(\w+\s+)?(human|person|agent|operator|someone|manager|supervisor|representative)",
)
_ANGER = _patterns(
    r"\b(бесит|бесите|достали|достал уже|задолба\w+|заеб\w*|издева\w+|безобрази\w+|отвратительн\w+|омерзительн\w+|хамств\w+|"
    r"позор\w*|мошенник\w*|жулик\w*|кидал\w+|лохотрон\w*|ненавижу|идиот\w*|дебил\w*|тупой бот|тупая программа|дурацк\w+|"
    r"бесполезн\w+ бот|сколько можно|подам в суд|в суд подам|буду судиться|роспотребнадзор\w*|прокуратур\w+|жалобу на вас|"
    r"пожалуюсь|кошмарн\w+ сервис|ужасн\w+ (сервис|поддержк|обслуживан)\w*|худш\w+ (сервис|поддержк)\w*|говно\w*|дерьм\w+|"
    r"какого черта|вашу мать|возмущен\w*|возмутительн\w+)",
    r"\b(бля\w*|сук[аи]|суки|хуй\w*|хуе\w+|хуя|пизд\w+|ебан\w+|ебат\w+|нахуй|нахер|мудак\w*|долбо\w+)\b",
    r"\b(fuck\w*|shit\w*|bullshit|wtf|damn you|scam\w*|fraud\w*|ridiculous|outrageous|unacceptable|furious|pathetic|"
    r"stupid (bot|robot|machine)|useless (bot|robot|support|service)|"
    r"(terrible|awful|horrible|worst) (service|support|company|experience)|"
    r"sue you|my lawyer|legal action|sick of this|rip-?off|piss\w* off|i'm (so |really )?angry)\b",
)
_MONEY = _patterns(
    r"\b(вернит|верни|вернуть|верните|возвратит|возврат\w*|вернут)\w*\s+(\w+\s+){0,3}(деньг|денег|средств|оплат|платеж|сумм)",
    r"\bвозврат (денег|средств|оплат|платеж|суммы)\w*|\bденьги назад|\bденьги (не )?(верн|списал|пришл|возвращ)\w*",
    r"\b(списал\w*|списани\w+|списывают|сняли)\b.{0,30}\b(деньг|денег|дважды|два раза|сумм|рубл|сом|карт|средств|лишн)",
    r"\b(оплат\w*|оплач\w+|платеж\w*|заплати\w+|плачу|рефанд\w*|чарджбек\w*|двойное списание)\b",
    r"\b(refund\w*|money back|charged?|chargeback|overcharged|double charge|payments?|billing|invoiced?|my money)\b",
)
_BUT = r"\b(не|но|нет|однако|только|кроме|а как|but|however|not|except)\b"
_SOLVED = _patterns(
    r"\b(?<!не )(помогло|помог|помогли|получилось|заработало|разобрал(ся|ась|ись)|решилось|решено|решили|сработало)\b",
    r"\b(вопрос|проблема)\s+(уже\s+)?(закрыт|решен|снят)\w*|\bтеперь\s+(все\s+)?(работает|понятно|ясно)|"
    r"\bвсе\s+(понятно|ясно|работает|заработало|получилось|супер|отлично)\b",
    r"\b(that|it|this)\s+(really\s+)?(helped|worked|works|fixed it|did it|solved it)\b|"
    r"\b(works|working)\s+now\b|\b(problem|issue) solved\b|"
    r"\bgot it working\b|\bfigured it out\b|\ball (good|set|clear)( now)?\b|^\W*(solved|fixed)\W*$",
)
_SO = r"^\W*((нет|увы|все равно|всё равно|так|так и|у меня|мне|это|ничего|ответ|к сожалению|no|sorry|still|it|that|this)\W+)*"
_FAILED = _patterns(
    r"\bне\s+(помогло|помог|помогает|помогли|тот ответ|об этом спрашивал\w*|понял\w* вопрос)\b",
    r"\b(это не ответ|не ответ на|вы не поняли|ты не понял|не про то|не о том|бесполезно)\b",
    _SO + r"не\s+(получилось|получается|заработало|работает|сработало|решен\w*|решилось|то|подходит)\W*$",
    r"\b(didn't|did not|doesn't|does not|not)\s+(help|helpful)\w*|\bnot what i (asked|meant)\b|\bwrong answer\b|\bno help\b",
    _SO + r"(didn't|did not|doesn't|does not|not|isn't)\s+(work|working|answer my question)\W*$",
)
_THANKS = (
    r"(ок |окей |хорошо |понял |поняла |ясно )?(большое )?(спасибо|благодарю|спс|мерси|пасиб)"
    r"( вам| тебе| большое| огромное| за (помощь|ответ))*|"
    r"(ок|окей|хорошо|понял|поняла|понятно|ясно|отлично|супер|good|ok|okay|got it|great|cool)|"
    r"(ok |okay |great |many )?(thanks|thank you|thx|ty)( a lot| so much| very much| for (the|your) help)*"
)
_HELLO = (
    r"(привет|приветствую|здравствуй|здравствуйте|добрый день|доброе утро|добрый вечер|доброго дня|доброго времени суток|хай|"
    r"салам|салам алейкум|саламатсызбы|алло|hi|hello|hey|good (morning|afternoon|evening|day))"
    r"( всем| вам| там| there| team| everyone)?( есть вопрос| у меня вопрос| можно вопрос| i have a question)?"
)
