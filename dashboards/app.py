"""The dashboards. Run by `kulpunai dashboards`; who may look is decided here, before any page, and by each page again."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="Kulpunai", page_icon="🍓", layout="wide", initial_sidebar_state="collapsed")

from dashboards import gate  # noqa: E402  the page must be configured first
from dashboards.words import say  # noqa: E402

# In the order in which one looks; the first is where one arrives. Their folder is not called “pages”: Streamlit runs what it
# finds in such a one by itself, past this file, when it is the first that anybody asks for.
PAGES = (
    "overview",
    "live",
    "traffic",
    "agents",
    "teams",
    "inboxes",
    "labels",
    "sla",
    "satisfaction",
    "captain",
    "help",
)
# What happens in the help center is nobody's own
OF_ADMINISTRATORS = {"help"}
BEGUN = "document.documentElement.lang = '%s'; parent.postMessage('kulpunai:drawn', '*')"

viewer = gate.viewer()
pages = [
    st.Page(f"boards/{name}.py", title=say(f"page.{name}", viewer.locale), url_path=name, default=name == PAGES[0])
    for name in PAGES
    if viewer.is_administrator or name not in OF_ADMINISTRATORS
]
page = st.navigation(pages, position="hidden")
with st.container(horizontal=True, gap="small"):
    for known in pages:
        st.page_link(known)
    # the language for those who listen; and the frame's own page need not stand in for us any longer
    st.html(f"<script>{BEGUN % viewer.locale}</script>", width="content", unsafe_allow_javascript=True)
page.run()
# What Streamlit's settings cannot say. Last, for nothing on the page waits for it
st.html(Path(__file__).with_name("look.css"))
