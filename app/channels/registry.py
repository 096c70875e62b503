"""The channels that reach us through a provider. Website and API have no adapter: their sender waits for our answer."""

from app.channels import telegram
from app.channels.base import ChannelAdapter

ADAPTERS: dict[str, ChannelAdapter] = {"telegram": telegram}


def adapter(channel: str) -> ChannelAdapter | None:
    """Who translates for `channel`."""
    return ADAPTERS.get(channel)
