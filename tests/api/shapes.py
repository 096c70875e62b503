"""Chatwoot's answers, key by key, as its clients rely on them: every key with its type, null only where it says so, and
no key besides. `MAYBE` is a key that may be missing, but not null.
"""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter
from werkzeug.test import TestResponse

MAYBE: Any = None
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _is_iso(value: str) -> str:
    assert _ISO.fullmatch(value), f"{value} is no time"
    return value


def _is_epoch(value: int) -> int:
    assert value == 0 or 1_600_000_000 < value < 4_000_000_000, f"{value} is no time"
    return value


Iso = Annotated[str, AfterValidator(_is_iso)]
Epoch = Annotated[int, AfterValidator(_is_epoch)]
Record = dict[str, Any]
Status = Literal["open", "resolved", "pending", "snoozed"]
Priority = Literal["low", "medium", "high", "urgent"] | None
MessageStatus = Literal["sent", "delivered", "read", "failed"]
Availability = Literal["online", "busy", "offline"]
Role = Literal["agent", "administrator"]


def fits(shape: Any, answer: TestResponse) -> Any:
    """What the answer says, which is a 200 exactly of that shape."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return fits_value(shape, answer.get_json())


def fits_value(shape: Any, value: Any) -> Any:
    """The value, which is exactly of that shape."""
    # as JSON, for there strict means what it says: no text for a number, no number for a flag
    TypeAdapter(shape).validate_json(json.dumps(value))
    return value


class Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Place(Shape):
    id: int
    name: str
    status: str
    active_at: Iso | None
    role: Role
    permissions: list[str]
    availability: Availability
    availability_status: Availability
    auto_offline: bool


class User(Shape):
    access_token: str
    account_id: int
    available_name: str
    avatar_url: str
    confirmed: bool
    display_name: str | None
    message_signature: str | None
    email: str
    id: int
    inviter_id: int | None
    name: str
    provider: str
    pubsub_token: str
    custom_attributes: Record
    role: Role
    ui_settings: Record
    uid: str
    type: str | None
    accounts: list[Place]


class Agent(Shape):
    id: int
    account_id: int | None
    availability_status: Availability
    auto_offline: bool
    confirmed: bool
    email: str
    provider: str
    available_name: str
    custom_attributes: Record
    name: str
    role: Role
    thumbnail: str


class InboxSlim(Shape):
    id: int
    avatar_url: str
    channel_id: int
    name: str
    channel_type: str
    provider: str | None


class ContactInbox(Shape):
    source_id: str
    inbox: InboxSlim


class Contact(Shape):
    additional_attributes: Record
    availability_status: Availability
    email: str | None
    id: int
    name: str
    phone_number: str | None
    blocked: bool
    identifier: str | None
    thumbnail: str
    custom_attributes: Record
    last_activity_at: Epoch = MAYBE
    created_at: Epoch = MAYBE
    contact_inboxes: list[ContactInbox] = MAYBE


class Note(Shape):
    id: int
    content: str
    account_id: int
    contact_id: int
    user: Agent | None
    created_at: int
    updated_at: int


class Team(Shape):
    id: int
    name: str
    description: str
    allow_auto_assign: bool
    account_id: int
    is_member: bool


class RawTeam(Shape):
    id: int
    name: str
    description: str
    allow_auto_assign: bool
    account_id: int
    created_at: Iso
    updated_at: Iso


class PushedUser(Shape):
    id: int
    name: str
    available_name: str
    avatar_url: str
    type: Literal["user"]
    availability_status: Availability
    thumbnail: str


class PushedContact(Shape):
    additional_attributes: Record
    custom_attributes: Record
    email: str | None
    id: int
    identifier: str | None
    name: str
    phone_number: str | None
    thumbnail: str
    blocked: bool
    type: Literal["contact"]


class PushedBot(Shape):
    id: int
    name: str
    avatar_url: str
    type: Literal["agent_bot"]


Sender = PushedUser | PushedContact | PushedBot


class FileAttachment(Shape):
    id: int
    message_id: int
    file_type: Literal["image", "audio", "video", "file"]
    account_id: int
    extension: str | None
    data_url: str
    thumb_url: str
    file_size: int
    width: int | None
    height: int | None
    transcribed_text: str = MAYBE


class Location(Shape):
    id: int
    message_id: int
    file_type: Literal["location"]
    account_id: int
    coordinates_lat: float
    coordinates_long: float
    fallback_title: str
    data_url: str


Attachment = FileAttachment | Location


class Message(Shape):
    id: int
    content: str | None
    inbox_id: int
    echo_id: str = MAYBE
    conversation_id: int
    message_type: Literal[0, 1, 2, 3]
    content_type: str
    status: MessageStatus
    content_attributes: Record
    created_at: Epoch
    private: bool
    source_id: str | None
    sender: Sender = MAYBE
    attachments: list[Attachment] = MAYBE


class SourceId(Shape):
    source_id: str


class InConversation(Shape):
    assignee_id: int | None
    unread_count: int
    last_activity_at: Epoch
    contact_inbox: SourceId


class PushMessage(Shape):
    id: int
    content: str | None
    account_id: int
    inbox_id: int
    conversation_id: int
    message_type: Literal[0, 1, 2, 3]
    created_at: Epoch
    updated_at: Iso
    private: bool
    status: MessageStatus
    source_id: str | None
    content_type: str
    content_attributes: Record
    sender_type: Literal["User", "Contact", "AgentBot"] | None
    sender_id: int | None
    external_source_ids: Record
    additional_attributes: Record
    processed_message_content: str | None
    sentiment: Record
    conversation: InConversation
    echo_id: str = MAYBE
    attachments: list[Attachment] = MAYBE
    sender: Sender = MAYBE


class ConversationMeta(Shape):
    sender: Contact
    channel: str
    assignee: Agent = MAYBE
    assignee_type: str = MAYBE
    team: Team = MAYBE
    hmac_verified: bool


class Conversation(Shape):
    id: int
    account_id: int
    uuid: str
    inbox_id: int
    status: Status
    priority: Priority
    messages: list[PushMessage]
    last_non_activity_message: PushMessage | None
    meta: ConversationMeta
    additional_attributes: Record
    custom_attributes: Record
    labels: list[str]
    muted: bool
    can_reply: bool
    unread_count: int
    snoozed_until: Iso | None
    created_at: Epoch
    updated_at: float
    timestamp: Epoch
    last_activity_at: Epoch
    first_reply_created_at: Epoch
    agent_last_seen_at: Epoch
    assignee_last_seen_at: Epoch
    contact_last_seen_at: Epoch
    waiting_since: Epoch
    sla_policy_id: int | None


class PushedTeam(Shape):
    id: int
    name: str


class PushedMeta(Shape):
    sender: PushedContact
    assignee: PushedUser | None
    assignee_type: str | None
    team: PushedTeam | None
    hmac_verified: bool


class PushedContactInbox(Shape):
    id: int
    contact_id: int
    inbox_id: int
    source_id: str
    created_at: Iso
    updated_at: Iso
    hmac_verified: bool
    pubsub_token: str


class PushConversation(Shape):
    additional_attributes: Record
    can_reply: bool
    channel: str
    contact_inbox: PushedContactInbox
    id: int
    inbox_id: int
    messages: list[PushMessage]
    labels: list[str]
    meta: PushedMeta
    status: Status
    custom_attributes: Record
    snoozed_until: Iso | None
    unread_count: int
    first_reply_created_at: Iso | None
    priority: Priority
    waiting_since: Epoch
    agent_last_seen_at: Epoch
    contact_last_seen_at: Epoch
    last_activity_at: Epoch
    timestamp: Epoch
    created_at: Epoch
    updated_at: float


class Counts(Shape):
    mine_count: int
    assigned_count: int
    unassigned_count: int
    all_count: int


class ConversationPage(Shape):
    meta: Counts
    payload: list[Conversation]


class ConversationIndex(Shape):
    data: ConversationPage


class ConversationMetaAnswer(Shape):
    meta: Counts


class Toggled(Shape):
    success: bool
    conversation_id: int
    current_status: Status
    snoozed_until: Iso | None


class ToggledAnswer(Shape):
    meta: Record
    payload: Toggled


class MessagesMeta(Shape):
    labels: list[str]
    additional_attributes: Record
    contact: Contact
    assignee: Agent = MAYBE
    agent_last_seen_at: Iso | None
    assignee_last_seen_at: Iso | None


class Messages(Shape):
    meta: MessagesMeta
    payload: list[Message]


class PageMeta(Shape):
    count: int
    current_page: int | str


class ContactPage(Shape):
    meta: PageMeta
    payload: list[Contact]


class ContactAnswer(Shape):
    payload: Contact


class RawInbox(Shape):
    id: int
    channel_id: int
    account_id: int
    name: str
    created_at: Iso
    updated_at: Iso
    channel_type: str
    enable_auto_assignment: bool
    greeting_enabled: bool
    greeting_message: str
    email_address: str | None
    working_hours_enabled: bool
    out_of_office_message: str | None
    timezone: str
    enable_email_collect: bool
    csat_survey_enabled: bool
    allow_messages_after_resolved: bool
    auto_assignment_config: Record
    lock_to_single_conversation: bool
    portal_id: int | None
    sender_name_type: str
    business_name: str | None
    csat_config: Record


class RawContactInbox(Shape):
    inbox: RawInbox | None
    source_id: str | None


class CreatedContact(Shape):
    contact: Contact
    contact_inbox: RawContactInbox


class CreatedContactAnswer(Shape):
    payload: CreatedContact


class Day(Shape):
    day_of_week: int
    closed_all_day: bool
    open_hour: int | None
    open_minutes: int | None
    close_hour: int | None
    close_minutes: int | None
    open_all_day: bool


class Inbox(Shape):
    id: int
    avatar_url: str
    channel_id: int
    name: str
    channel_type: Literal["Channel::WebWidget", "Channel::Api", "Channel::Telegram"]
    greeting_enabled: bool
    greeting_message: str
    working_hours_enabled: bool
    enable_email_collect: bool
    csat_survey_enabled: bool
    csat_config: Record
    enable_auto_assignment: bool
    auto_assignment_config: Record
    out_of_office_message: str | None
    working_hours: list[Day]
    timezone: str
    callback_webhook_url: str | None
    allow_messages_after_resolved: bool
    lock_to_single_conversation: bool
    sender_name_type: str
    business_name: str | None
    allowed_domains: str | None
    widget_color: str | None
    website_url: str | None
    hmac_mandatory: bool
    welcome_title: str | None
    welcome_tagline: str | None
    web_widget_script: str | None
    website_token: str | None
    selected_feature_flags: list[str]
    reply_time: str | None
    messaging_service_sid: str | None
    phone_number: str | None
    provider: str | None
    hmac_token: str = MAYBE
    pre_chat_form_enabled: bool = MAYBE
    pre_chat_form_options: Record = MAYBE
    continuity_via_email: bool = MAYBE
    webhook_url: str | None = MAYBE
    inbox_identifier: str = MAYBE
    additional_attributes: Record = MAYBE


class Inboxes(Shape):
    payload: list[Inbox]


class Label(Shape):
    id: int
    title: str
    description: str
    color: str
    show_on_sidebar: bool


class Labels(Shape):
    payload: list[Label]


class Agents(Shape):
    payload: list[Agent]


class Words(Shape):
    payload: list[str]


class CannedResponse(Shape):
    id: int
    account_id: int
    short_code: str
    content: str
    created_at: Iso
    updated_at: Iso


class CacheKeys(Shape):
    label: str
    inbox: str
    team: str


class CacheKeysAnswer(Shape):
    cache_keys: CacheKeys


class Account(Shape):
    settings: Record
    created_at: Iso
    custom_attributes: Record
    domain: str | None
    features: dict[str, Literal[True]]
    id: int
    locale: str
    name: str
    support_email: str
    status: str
    cache_keys: CacheKeys
    latest_chatwoot_version: str | None


class House(Shape):
    version: str
    timestamp: str
    queue_services: Literal["ok", "failing"]
    data_services: Literal["ok", "failing"]


class PublicInbox(Shape):
    identifier: str
    name: str
    timezone: str
    working_hours: list[Day]
    working_hours_enabled: bool
    csat_survey_enabled: bool
    greeting_enabled: bool
    identity_validation_enabled: bool


class PublicContact(Shape):
    source_id: str
    pubsub_token: str
    id: int
    name: str
    email: str | None
    phone_number: str | None


class RawContact(Shape):
    id: int
    account_id: int
    name: str
    email: str | None
    phone_number: str | None
    identifier: str | None
    blocked: bool
    additional_attributes: Record
    custom_attributes: Record
    last_activity_at: Iso | None
    created_at: Iso
    updated_at: Iso


class PublicMessage(Shape):
    id: int
    content: str | None
    message_type: Literal[0, 1, 3]
    content_type: str
    content_attributes: Record
    created_at: Epoch
    conversation_id: int
    attachments: list[Attachment] = MAYBE
    sender: Sender = MAYBE


class PublicConversation(Shape):
    id: int
    uuid: str
    inbox_id: int
    contact_last_seen_at: Epoch
    status: Status
    agent_last_seen_at: Epoch
    messages: list[PublicMessage]
    contact: RawContact


class CsatResponse(Shape):
    id: int
    rating: int
    feedback_message: str | None
    csat_review_notes: str | None
    account_id: int
    message_id: int
    contact: Contact = MAYBE
    conversation_id: int
    assigned_agent: Agent = MAYBE
    created_at: Epoch


class ConversationAttachment(FileAttachment):
    created_at: Epoch
    sender: Sender | None


class AttachmentsMeta(Shape):
    total_count: int


class Attachments(Shape):
    meta: AttachmentsMeta
    payload: list[ConversationAttachment]


class Conversations(Shape):
    payload: list[Conversation]


class Reachable(Shape):
    payload: list[ContactInbox]
