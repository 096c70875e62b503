"""The dashboards. Run by `kulpunai dashboards`; who may look is decided here, before any page, and by each page again."""

import streamlit as st

st.set_page_config(page_title="Kulpunai", page_icon="🍓", layout="wide", initial_sidebar_state="collapsed")

from dashboards import gate  # noqa: E402  the page must be configured first
from dashboards.words import say  # noqa: E402

viewer = gate.viewer()
pages = [st.Page("pages/overview.py", title=say("title", viewer.locale), url_path="overview", default=True)]
st.navigation(pages, position="hidden").run()
