"""What rq's worker does: long jobs. Each is called with (account_id, identifier); the row it names is the truth."""


def demo_history(_account_id: int, _identifier: int) -> None:
    """The demo world's months before; does nothing where they are, or where there is no demo world."""
    from app import demo

    demo.recall()
