"""`python -m dashboards` is what is run: it serves the pages with their settings, and goes when it is told to."""

from pathlib import Path

from tests.dashboards.entry import answer, serving


def test_the_dashboards_are_served_with_their_font_and_end_when_told(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, process):
        assert answer(f"{url}/_stcore/health") == b"ok"
        assert b"<div id=" in answer(url)
        # static files are served only where .streamlit/config.toml was found
        assert answer(f"{url}/app/static/onest-latin.woff2")[:4] == b"wOF2"
        process.terminate()
        process.wait(20)
