"""What rq's worker does: long jobs. Each is called with (account_id, identifier); the row it names is the truth."""


def demo_history(_account_id: int, _identifier: int) -> None:
    """The demo world's months before; does nothing where they are, or where there is no demo world."""
    from app import demo

    demo.recall()


def learn_labels(account_id: int, _identifier: int) -> None:
    """What labels the account's agents give, learned anew; scikit-learn is imported here and nowhere else."""
    import app.tables  # noqa: F401  rows name rows of all of them
    from app.assist import learning

    learning.learn(account_id)
