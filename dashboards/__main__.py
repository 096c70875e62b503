"""The dashboards, served: `python -m dashboards HOST PORT`. What the first viewer would wait for is loaded before.

Not by `streamlit run`: the socket it makes does not say that it is TCP's, so asyncio leaves Nagle's algorithm on, and each of a
page's hundred files and messages may wait 40 ms until the browser has acknowledged the one before. uvicorn's own does say it.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import streamlit as st
import uvicorn


def main(host: str, port: int) -> None:
    """Serve until a signal comes."""
    app = st.App(Path(__file__).with_name("app.py"), lifespan=_warm)
    # both as Streamlit itself has them
    uvicorn.run(app, host=host, port=port, ws="websockets-sansio", ws_per_message_deflate=False)


@asynccontextmanager
async def _warm(_app: st.App) -> AsyncIterator[None]:
    """Import the pages and write something: Babel loads most of itself when it is first asked."""
    from dashboards import look
    from dashboards.boards import overview as overview

    days = [date(2024, 1, 1)]
    look.days(days[0], days[0], "ru")
    look.percent(0.5, "ru")
    look.place("Europe/Moscow", "ru")
    yield


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
