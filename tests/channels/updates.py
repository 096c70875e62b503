"""Updates as Telegram sends them, in the shapes of https://core.telegram.org/bots/api#update."""

import json
from typing import Any

MIKA = {
    "id": 5001,
    "is_bot": False,
    "first_name": "Мика",
    "last_name": "Осмонов",
    "username": "mika",
    "language_code": "ru",
}
CHAT = {"id": 5001, "first_name": "Мика", "last_name": "Осмонов", "username": "mika", "type": "private"}


def message(**fields: Any) -> dict[str, Any]:
    return {"message_id": 31, "from": MIKA, "chat": CHAT, "date": 1767225600, **fields}


def update(number: int = 871234001, **fields: Any) -> bytes:
    return json.dumps({"update_id": number, **fields}, ensure_ascii=False).encode()


def text(words: str = "Здравствуйте!", *, number: int = 871234001, message_id: int = 31, chat_id: int = 5001) -> bytes:
    person, chat = {**MIKA, "id": chat_id}, {**CHAT, "id": chat_id}
    return update(number, message=message(message_id=message_id, chat=chat, text=words, **{"from": person}))


PHOTO = update(
    message=message(
        caption="Вот чек",
        photo=[
            {"file_id": "small", "file_unique_id": "s", "file_size": 1253, "width": 90, "height": 67},
            {"file_id": "large", "file_unique_id": "l", "file_size": 142_311, "width": 1280, "height": 960},
            {"file_id": "middle", "file_unique_id": "m", "file_size": 15_002, "width": 320, "height": 240},
        ],
    )
)
DOCUMENT = update(
    message=message(
        document={
            "file_name": "Договор.pdf",
            "mime_type": "application/pdf",
            "file_id": "doc",
            "file_unique_id": "d",
            "file_size": 20_480,
        }
    )
)
VOICE = update(
    message=message(
        voice={"duration": 4, "mime_type": "audio/ogg", "file_id": "voice", "file_unique_id": "v", "file_size": 9_001}
    )
)
VIDEO = update(
    message=message(
        video={
            "duration": 7,
            "width": 640,
            "height": 360,
            "mime_type": "video/mp4",
            "file_id": "video",
            "file_unique_id": "v",
            "file_size": 700_000,
        },
        caption="Не открывается",
    )
)
ANIMATION = update(
    message=message(
        animation={
            "duration": 1,
            "width": 10,
            "height": 10,
            "mime_type": "video/mp4",
            "file_id": "gif",
            "file_unique_id": "g",
        },
        document={"mime_type": "video/mp4", "file_id": "gif", "file_unique_id": "g"},
    )
)
STICKER = update(
    message=message(
        sticker={
            "width": 512,
            "height": 512,
            "emoji": "👍",
            "set_name": "Cats",
            "is_animated": False,
            "is_video": False,
            "type": "regular",
            "file_id": "sticker",
            "file_unique_id": "s",
            "file_size": 22_000,
        }
    )
)
LOCATION = update(message=message(location={"latitude": 42.8746, "longitude": 74.5698}))
VENUE = update(
    message=message(
        location={"latitude": 42.8746, "longitude": 74.5698},
        venue={
            "location": {"latitude": 42.8746, "longitude": 74.5698},
            "title": "Ош базары",
            "address": "Бейшеналиева, 42",
        },
    )
)
CONTACT = update(message=message(contact={"phone_number": "+996555000111", "first_name": "Ада", "user_id": 77}))
POLL = update(
    message=message(
        poll={
            "id": "1",
            "question": "Когда удобно?",
            "options": [{"text": "Утром", "voter_count": 0}, {"text": "Вечером", "voter_count": 0}],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
        }
    )
)
DICE = update(message=message(dice={"emoji": "🎲", "value": 4}))
STORY = update(message=message(story={"chat": CHAT, "id": 9}))
REPLY = update(
    message=message(text="А этот?", message_id=33, reply_to_message=message(message_id=12, text="Какой размер?"))
)
EDIT = update(871234002, edited_message=message(text="Здравствуйте, это Мика!", edit_date=1767225660))
LIVE_LOCATION = update(
    edited_message=message(location={"latitude": 42.9, "longitude": 74.6, "live_period": 900}, edit_date=1767225660)
)
PINNED = update(message=message(pinned_message=message(message_id=3, text="x")))
GROUP = update(message=message(text="Всем привет", chat={"id": -100200, "title": "Соседи", "type": "supergroup"}))
CHANNEL_POST = update(
    channel_post={"message_id": 1, "chat": {"id": -100, "type": "channel", "title": "N"}, "date": 1, "text": "x"}
)
BUTTON = update(callback_query={"id": "1", "from": MIKA, "chat_instance": "1", "data": "yes"})
BLOCKED = update(my_chat_member={"chat": CHAT, "from": MIKA, "date": 1, "old_chat_member": {}, "new_chat_member": {}})
