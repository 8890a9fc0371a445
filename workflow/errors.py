"""What the rules say when they say no: one sentence that an employee can read, and a code that never changes."""

from dataclasses import dataclass


class WorkflowError(Exception):
    """A rule of the workflow was broken. `str()` is the sentence, `code` its stable name."""

    def __init__(self, sentence: str, *, code: str = "workflow") -> None:
        super().__init__(sentence)
        self.code = code


class NotAllowed(WorkflowError):  # noqa: N818 - it is a refusal, not a fault
    """The act is not possible now: the wrong stage, or a guard refuses it."""


class NotYours(WorkflowError):  # noqa: N818 - it is a refusal, not a fault
    """The act is possible now, and belongs to somebody else."""

    def __init__(self, sentence: str, *, code: str = "not-yours") -> None:
        super().__init__(sentence, code=code)


class UnknownAction(WorkflowError):  # noqa: N818 - it is no fault of the rules
    """The act has a name that no move of the workflow has."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="unknown-action")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition: the key it stands at, what is wrong, and what to do."""

    where: str
    text: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text} {self.mend}"


class DefinitionError(WorkflowError):
    """A definition that cannot be used, with every problem found in it (never only the first)."""

    def __init__(self, where: str, problems: tuple[Problem, ...]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{where} has {len(problems)} {noun}:\n{listed}", code="definition")
        self.where = where
        self.problems = problems
