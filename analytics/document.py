"""docs/metrics.md, made of `metrics.py`: `python -m analytics.document` writes it, and a test keeps it the same."""

from pathlib import Path

from analytics.metrics import METRICS, Kind, Metric
from analytics.read import groups_of

FILE = Path(__file__).parent.parent / "docs" / "metrics.md"

_ABOUT = """# Metrics

Made of [analytics/metrics.py](../analytics/metrics.py) by `python -m analytics.document`: change a definition there, then run
that. These are the sentences behind “what is this number?” on the dashboards and in every export. `kulpunai metrics NAME`
answers with any of them.

A window is [from, to); days and hours are those of the account's zone, and who gets the credit is settled at the event. `n` is
how many things were counted."""

_KINDS = {
    Kind.SPAN: "how long something took: `n`, `mean`, `p50`, `p90`; `value` is the mean; calendar or business time",
    Kind.RATIO: "the share of the things counted that are a hit: `value` between 0 and 1, `n` is how many were counted",
    Kind.COUNT: "how many things happened in the window, in `n` and `value`",
    Kind.STOCK: "how many there are at the end of the window, or of each part of it, in `n` and `value`",
    Kind.SHARE: "the part of one length of time that is another: `value` between 0 and 1, `n` is the length in seconds",
}


def document() -> str:
    """The whole file."""
    kinds = [f"- `{kind}`: {words}." for kind, words in _KINDS.items()]
    rows = [
        f"| [`{metric.name}`](#{metric.name}) | {metric.title.en} | {metric.title.ru} | {metric.kind} | {metric.unit} |"
        for metric in METRICS.values()
    ]
    table = ["| name | English | по-русски | kind | unit |", "|---|---|---|---|---|", *rows]
    parts = [_ABOUT, "\n".join(kinds), "\n".join(table), *map(_section, METRICS.values())]
    return "\n\n".join(parts) + "\n"


def _section(metric: Metric) -> str:
    """One metric, in both languages."""
    counted = f"`{metric.kind}`, in {metric.unit}"
    interval = "; `low` and `high` are its Wilson interval of 95 %" if metric.has_interval else ""
    groups = ", ".join(f"`{group}`" for group in groups_of(metric))
    return "\n\n".join(
        [
            f"## {metric.name}",
            f"**{metric.title.en}** · {metric.title.ru}",
            f"{metric.sentence.en} *Left out.* {metric.exclusions.en}",
            f"{metric.sentence.ru} *Не входит.* {metric.exclusions.ru}",
            f"{counted}{interval}. By {groups}.",
        ]
    )


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
