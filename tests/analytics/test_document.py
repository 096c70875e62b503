"""What docs/metrics.md says is what is counted."""

from analytics.document import FILE, document
from analytics.metrics import METRICS
from analytics.read import groups_of


def test_the_document_is_what_the_definitions_say() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "write it anew: python -m analytics.document"


def test_the_document_explains_every_metric_in_both_languages_with_its_groups() -> None:
    sections = {part.partition("\n")[0]: part for part in document().split("\n## ")[1:]}
    assert sections.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        for words in (metric.title, metric.sentence, metric.exclusions):
            assert words.en in sections[name]
            assert words.ru in sections[name]
        assert all(f"`{group}`" in sections[name] for group in groups_of(metric))
        assert f"in {metric.unit.value}" in sections[name]
