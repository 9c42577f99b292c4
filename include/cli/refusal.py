"""The one exception that ends a `landfall` command with a sentence instead of a traceback."""

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_REFUSED = 3


class RefusalError(Exception):
    """What was refused, where, and what to do, in one sentence. The command ends with exit code 3.

    ``details`` are lines that help to act on it (the end of a log); they are printed below the sentence.
    """

    def __init__(self, sentence: str, *, details: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details
