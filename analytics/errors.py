"""What can be asked wrongly."""


class Refused(ValueError):
    """What was asked has no answer. The sentence is for the person who asked, in both languages."""

    def __init__(self, english: str, russian: str) -> None:
        super().__init__(english)
        self.english, self.russian = english, russian
