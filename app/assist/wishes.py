"""What a customer wants besides an answer, by his words alone: a person, his money back, to say thanks. No model.

Missing one costs a sentence too many; seeing one that is not there costs an answer. So patterns ask for the form of a
request («позовите оператора»), not for the word: «как добавить оператора?» is a question like any other. Short messages
come in any order («человека мне»): they are known by being made of such words and of no others.
"""

import re
from enum import StrEnum

from app.text import folded
from captain.letters import likely_reading, spelled_russian

SHORT = 90  # characters; what is longer says more than a courtesy
READ = 1000  # characters of a message that are read as meant; a slip of the keyboard shows sooner


class Wish(StrEnum):
    HUMAN = "human"  # a person, please
    ANGER = "anger"  # words for people, not for a machine
    MONEY = "money"  # payments and refunds are decided by people
    SOLVED = "solved"  # it helped: he says so himself
    FAILED = "failed"  # it did not help
    THANKS = "thanks"
    HELLO = "hello"
    WHO = "who"  # is this a machine?
    NOTHING = "nothing"  # no words at all: a picture, an emoji
    MACHINE = "machine"  # nobody wrote that: an automatic answer
    QUESTION = "question"


def wish(text: str) -> Wish:
    """The first that fits, the gravest first; of the text as it was typed, or as it was meant."""
    return next((found for reading in readings(text) if (found := _wish(reading)) != Wish.QUESTION), Wish.QUESTION)


def readings(text: str) -> list[str]:
    """The text, and what was meant if the keyboard stood on the other layout or a short message is Russian in Latin letters."""
    head = text[:READ]
    slips = [likely_reading(head)]
    slips += [spelled_russian(head)] if len(head) <= SHORT and not re.search("[а-яё]", head, re.IGNORECASE) else []
    return list(dict.fromkeys([text, *slips]))


def _wish(text: str) -> Wish:
    words = " ".join(folded(text).replace("’", "'").split())
    if "?" not in words and _matches(_MACHINE, words):
        return Wish.MACHINE
    if _matches(_HUMAN, words) or _is_made_of(words, _PEOPLE, _CALLING):
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
    """`ru` or `en`, by the letters as they were meant; `otherwise` where there are none."""
    text = next((read for read in readings(text) if _wish(read) != Wish.QUESTION), likely_reading(text[:READ]))
    cyrillic, latin = len(re.findall(r"[а-яё]", text.lower())), len(re.findall(r"[a-z]", text.lower()))
    if not cyrillic and not latin:
        return otherwise
    return "ru" if cyrillic >= latin / 2 else "en"


def _of_a_short_one(words: str) -> Wish:
    bare = _bare(words)
    if not bare:
        return Wish.THANKS if any(sign in words for sign in "👍🙏❤🤝👌😊🙂") else Wish.NOTHING
    is_short = len(bare) <= SHORT and "?" not in words
    if is_short and (_matches(_FAILED, words) or re.fullmatch(_LOST, bare)):
        return Wish.FAILED
    if re.fullmatch(_NO_MORE, bare) or (is_short and _matches(_SOLVED, words) and not re.search(_BUT, words)):
        return Wish.SOLVED
    if _is_made_of(words, _THANKS, _AND_SO):
        return Wish.THANKS
    if re.fullmatch(_WHO_ARE_YOU, bare):
        return Wish.WHO
    return Wish.HELLO if _is_made_of(words, _HELLO, _OPENING) else Wish.QUESTION


def _is_made_of(words: str, some: re.Pattern[str], others: re.Pattern[str]) -> bool:
    """Whether a short message holds one of these, and besides nothing but others."""
    if len(words) > SHORT:
        return False
    left, count = some.subn(" ", " ".join(re.findall(r"[\w'-]+", words)))
    return bool(count) and not others.sub(" ", left).strip()


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
    r"(?<!не )\b(перезвоните|перезвони|позвоните|позвони|наберите)\s+(мне|нам)\b|^\W*(пере)звоните(\s+пожалуйста)?\W*$|"
    r"\bперезвон(ите|и)\b.{0,30}\+?\d[\d\s()-]{8,}|\bпусть\s+(мне|нам)\s+(пере|по)?звон\w+|"
    r"\bсвяжитесь\s+(со\s+мной|с\s+нами)\b|"
    r"^\W*(please\s+)?call\s+me(\s+back)?(\s+please)?\W*$",
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
    r"\b(бесит|бесите|задолба\w+|заеб\w*|издева\w+|безобрази\w+|отвратительн\w+|омерзительн\w+|хамств\w+|"
    r"позор|позорище|ненавижу|идиот\w*|дебил\w*|урод|уроды|козлы|сволоч\w*|твари|тупой бот|тупая программа|дурацк\w+|"
    r"бесполезн\w+ бот|(пойду|подам|подадим|обращусь) в суд|в суд подам|буду судиться|роспотребнадзор\w*|прокуратур\w+|"
    r"жалобу на вас|пожалуюсь|кошмарн\w+ сервис|ужасн\w+ (сервис|поддержк|обслуживан)\w*|худш\w+ (сервис|поддержк)\w*|"
    r"хуже (сервиса|поддержки|обслуживания)|говно\w*|дерьм\w+|какого (черта|хрена|хера|фига)|вашу мать|возмущен\w*|"
    r"возмутительн\w+|в (ярости|бешенстве)|беспредел\w*|(у вас|что за|полный|сплошной) бардак|лохотрон\w*|кидалово|"
    r"кидалы|охрен\w+|офигел\w*|обнагле\w+|пипец|полный развод|потеряли совесть|совесть (у вас )?есть)\b",
    # ordinary words, in the form in which they are thrown at somebody: «сколько можно хранить?» asks
    r"\bсколько (уже )?можно(?=\W*$|\s*[!,]|\s+(уже|ждать|терпеть|издеваться|повторять|просить|вас))",
    r"\b((вы|вообще|уже) (меня )?достали|достали (уже|вы|меня|своими?)|достал уже|меня обманули)\b|^\W*достали\W*$",
    r"\b(вы|это|настоящ\w+|чистой воды)\W+(\w+\W+){0,2}"
    r"(мошенник|мошенничеств|жулик|обманщик|обманыва|обман\b(?!\W*\?)|вор\b|воры\b|ворье|кидал)",
    r"\b(вы|вами) (меня|нас) обману|^\W*(мошенники|жулики|обманщики|воры|обман|позор\w*|кошмар|ужас|ужасно)\W*$",
    r"\b(ужас|кошмар) (какой-то|просто|полный)\b|\b(какой|просто|полный|это) (ужас|кошмар)\b",
    r"\b(хочу|буду|хотел\w*|намерен\w*|собираюсь|вынужден\w*)\s+(\w+\s+){0,2}"
    r"((по)?жаловаться|(написать|подать|оставить|писать|составить)\s+(\w+\s+)?жалоб\w+)"
    r"(\W*$|\s+на\s+(вас|ваш|курьер|водител|сотрудни|менеджер|оператор|мастер|врач|продав|при[её]мщи|кассир|админ|работу|"
    r"обслуживан|сервис|качеств|поддержк))",
    r"\b(никогда больше|больше никогда)\s+(\w+\s+){0,3}(не (обращ|приду|закаж|купл|воспольз|свяж|буду))|\bноги моей\b",
    r"\bну и (контора|сервис|служба|поддержка|компания)\b",
    r"\b(бля\w*|сук[аи]|суки|хуй\w*|хуе\w+|хуя|охуе\w+|пизд\w+|ебан\w+|ебат\w+|нахуй|нахер|мудак\w*|долбо\w+)\b",
    r"\b(fuck\w*|shit\w*|bullshit|wtf|damn you|ridiculous|outrageous|unacceptable|furious|pathetic|what the (hell|heck)|"
    r"stupid (bot|robot|machine)|useless (bot|robot|support|service)|you('re| are| people are) (all )?(useless|liars|thieves)|"
    r"(terrible|awful|horrible|worst) (\w+ )?(service|support|company|experience)|(this|it) is a (joke|scam|fraud)|rip-?off|"
    r"you('re| are)( \w+){0,2} (scam\w*|fraud\w*)|sue you|my lawyer|legal action|sick of this|piss\w* off|"
    r"i'm (so |really )?angry|(want|like|going) to (complain|(file|make|submit|lodge) a complaint))\b|^\W*scam\w*",
)
_MONEY = _patterns(
    r"\b(вернит|верни|вернуть|верните|вернете|возвратит|возврат\w*|вернут)\w*\s+(\w+\s+){0,3}"
    r"(деньг|денег|средств|оплат|платеж|сумм)",
    r"\bвозврат (денег|средств|оплат|платеж|суммы)\w*|\bденьги назад|"
    r"\bденьги (не )?(верн|списал|пришл|возвращ|ушл|пропал|снял)\w*",
    r"\bгде\s+(мои\s+)?(деньги|возврат)\b|\b(сделайте|оформите|оформи|сделай)\s+(мне\s+)?возврат\b|"
    r"\bвозврат\w*\s+(не\s+приш\w+|когда\s+(прид|поступ|буд)\w+)|\bкогда\s+(прид|поступ|буд)\w+\s+возврат\b",
    r"\b(списал\w*|списани\w+|списывают|сняли)\b.{0,30}\b(деньг|денег|дважды|два раза|сумм|рубл|сом|карт|средств|лишн)",
    r"\b(оплат\w*|оплач\w+|платеж\w*|заплати\w+|плачу|рефанд\w*|чарджбек\w*|двойное списание)\b",
    r"\b(refund\w*|money back|charged|chargeback|overcharged|double charge|charges? (on|to|from) my|payments?|billing|"
    r"(unknown|unauthori[sz]ed|strange|recogni[sz]e (a|this|the)) charges?|invoiced?|my money)\b",
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
    r"\b(это не ответ|не ответ на|не ответил\w* на|не отвечает на|(вы|ты) не (понял|ответил)\w*|не про то|не о том|бесполезно)\b",
    r"\bне (то|об этом|про это),? (что |о чем )?(я )?спрашива\w+|"
    r"\b(я )?(друго|не об эт|не про эт|не о т)\w*\s+(спрос|спраш|имел|хоте)\w+|"
    r"^\W*(я\s+)?(не про это|не об этом|не то совсем|совсем не то|опять то же( самое)?)\W*$|"
    r"^\W*это я (уже )?(знаю|пробовал\w*|читал\w*|видел\w*)\W*$|"
    r"\bуже (пробовал|пробовала|делал|делала),? (и )?не (работает|помогает|помогло|получается)\b",
    _SO + r"не\s+(получилось|получается|заработало|работает|сработало|решен\w*|решилось|то|подходит)\W*$",
    r"\b(didn't|did not|doesn't|does not|not)\s+(help|helpful)\w*|\bnot what i (asked|meant)\b|\bwrong answer\b|\bno help\b",
    r"\b(that's|this is|thats|it's)\s+(not (it|right)|wrong)\W*$|\balready (tried|did|read) (that|this|it)\b",
    _SO + r"(didn't|did not|doesn't|does not|not|isn't)\s+(work|working|answer my question)\W*$",
)
# He does not understand; alone only: «не понял, как подключить» asks
_LOST = (
    r"(я |вообще |ничего )*(не понял|не поняла|не понятно|непонятно|не понимаю)( ничего| ответ\w*| вас)?|"
    r"(что за )?(бред|чушь|ерунда)|мимо|i don't (get|understand)( it| this)?|huh"
)
_NO_MORE = r"(спасибо |ой |все )*((уже|больше) не (надо|нужно|актуально)|не ?актуально)( спасибо)?"
_WHO_ARE_YOU = (
    r"(а |так |скажите )*(вы|ты|это|я говорю с|мне отвечает|тут|здесь)( \w+)? "
    r"(бот|робот\w*|ботом|роботом|человек|машина|живой|кто|нейросеть)( или (бот|робот|человек|живой|живой человек|машина))?|"
    r"(вы|ты) кто|кто (вы|ты|это|мне отвечает)|как (вас|тебя) зовут|who are you|"
    r"(are you|is this) (a |an )?(bot|robot|human|real|real person|machine|ai|person)"
    r"( or (a )?(real )?(bot|robot|human|person|machine))?"
)


def _words(*sources: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'])(?:{'|'.join(sources)})(?![\w'])")


_CASES = "(?:а|у|ом|ов|ы|и|е|ам|ами)?"
_PEOPLE = _words(
    rf"(?:оператор|опператор|опереатор|менеджер|сотрудник|специалист|консультант|админ|администратор|диспетчер){_CASES}",
    r"оператра|опратора|человек(?:а|у|ом)?|люд(?:и|ей|ям|ьми)|жив(?:ой|ого|ому|ым|ые|ых)|старш(?:ий|его|ему|им)",
    r"(?:тех)?поддержк(?:а|у|ой)|саппорт(?:а|у|ом)?|начальник(?:а|у|ом)?|начальств(?:о|а|у|ом)|руководител(?:ь|я|ю|ем)",
    r"руководств(?:о|а|у|ом)|кого-?\s?нибудь|кто-?\s?нибудь|кем-(?:то|нибудь)|кто-то",
    r"humans?|persons?|people|operators?|agents?|representative|someone|somebody|anybody|anyone|supervisor|manager",
)
_CALLING = _words(
    r"а|и|ну|да|нет|мне|меня|нам|нас|со|с|к|ко|на|у|вас|вы|это|тут|здесь|там|бы|же|ли|уже|хоть|не|просто|только|лучше",
    r"опять|снова|еще|все|можно|могу|хочу|хочется|хотел|хотела|хотелось|нуж(?:ен|на|но|ны)|надо|требуется|есть|где|жду",
    r"пожалуйста|плиз|пж|срочно|скорее|быстрее|сейчас|вместо|нормальн\w+|реальн\w+|настоящ\w+|ваш\w*|люб(?:ой|ого|ым)",
    r"дай(?:те)?|давай(?:те)?|по?зови(?:те)?|зови(?:те)?|соедини(?:те)?|переключи(?:те)?|переведи(?:те)?|свяжи(?:те)?",
    r"вызови(?:те)?|пригласи(?:те)?|подключи(?:те)?|переда(?:й|йте)|кликни(?:те)?|направь(?:те)?|верни(?:те)?",
    r"ответит|ответьте|отвечает|поговорить|пообщаться|общаться|связаться|говорить|бот(?:а|ом|у)?|робот(?:а|ом|у)?",
    r"здравствуйте|привет|добрый|день|вечер|утро|спасибо|a|an|the|me|to|please|plz|pls|get|give|want|need|i|i'd|like|can",
    r"could|may|talk|speak|real|live|is|there|any|on|line|here|now|with|just|rather|hello|hi",
)
_THANKS = _words(
    r"спасибо|спасибки|спс|спасиб|пасиб\w*|благодар(?:ю|им|ствую)|мерси|рахмат|ок|окей|оке|окэй|хорошо|понял[аи]?|понятн\w+",
    r"ясно|ладно|отлично|супер|класс|ага|угу|принято|договорились|thanks|thank you|thx|ty|ok|okay|got it|great|cool|good",
)
_AND_SO = _words(
    r"вам|тебе|вас|большое|огромное|чон|за|помощь|ответ|подсказку|информацию|все|да|ну|и|очень|тогда|ты|вы|лучш(?:ий|ие)",
    r"a|lot|so|much|very|many|for|the|your|help|it|then|and|all|answer",
)
_HELLO = _words(
    r"привет(?:ик|ики|ствую)?|здрав?ствуй(?:те)?|здрась?те|здаров\w*|здоров[ао]|доброго времени суток|добр(?:ый|ое|ого)",
    r"хай|ку|салам алейкум|салам|саламатсызбы|алло|але|ау|эй|есть кто|вопрос|вопросик|подскажите|помогите|спросить",
    r"hi|hello|hey|good|question",
)
_OPENING = _words(
    r"день|дня|вечер|вечера|утро|утра|ночи|всем|вам|вас|там|тут|здесь|у|меня|есть|можно|хочу|хотел[аи]?|бы|задать|один",
    r"пожалуйста|плиз|а|и|как|дела|мне|такой|there|team|everyone|i|have|a|morning|evening|afternoon|day|how|are|you",
)
