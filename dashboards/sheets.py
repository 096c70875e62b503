"""What is shown, as files to take away."""

from datetime import datetime
from io import BytesIO

import polars as pl
import streamlit as st

from analytics.export import BYTE_ORDER_MARK, FORMULA
from dashboards.words import say


def downloads(table: pl.DataFrame, name: str, key: str, locale: str) -> None:
    """The table as CSV, in which a spreadsheet finds no formula, and as Parquet. Nothing when it is empty."""
    if table.is_empty():
        return
    stamp = f"{name}-{datetime.now().astimezone():%H%M}"
    st.download_button(
        say("csv", locale),
        lambda: in_csv(table),
        f"{stamp}.csv",
        "text/csv",
        key=f"csv_{key}",
        on_click="ignore",
        type="tertiary",
    )
    st.download_button(
        say("parquet", locale),
        lambda: in_parquet(table),
        f"{stamp}.parquet",
        "application/vnd.apache.parquet",
        key=f"parquet_{key}",
        on_click="ignore",
        type="tertiary",
    )


def in_csv(table: pl.DataFrame) -> bytes:
    """For a spreadsheet: it knows the letters, and takes no words of people for a formula."""
    harmless = table.with_columns(pl.col(pl.String).str.replace_all(FORMULA, "${1}'${2}"))
    return BYTE_ORDER_MARK + harmless.write_csv().encode()


def in_parquet(table: pl.DataFrame) -> bytes:
    """For programs."""
    written = BytesIO()
    table.write_parquet(written, compression="zstd")
    return written.getvalue()
