"""The total of a score, worked out by somebody who has nothing but the printed sentences of its explanation."""

import re
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

FIGURE = r"(-?[0-9.]+)"
GRAMMAR = {
    "en": {
        "takes": rf"^(\S+), rule (\S+?)[:,] .*It takes {FIGURE} points from (\S+)\. (?:Source|Clause)",
        "gives": rf"^(\S+), rule (\S+?)[:,] .*It gives {FIGURE} points to (\S+)\. (?:Source|Clause)",
        "changes": rf"^(\S+), rule (\S+): .*from {FIGURE} to {FIGURE} points\.$",
        "rule": rf"^Rule (\S+) in (\S+) counts .*from {FIGURE} to {FIGURE} points\.$",
        "floor": rf"^Item (\S+): {FIGURE} taken, {FIGURE} counted",
        "ceiling": rf"^Item (\S+): .*its reward goes from {FIGURE} to {FIGURE} points\.$",
        "counted": rf"^Item (\S+): counted, rounded .*from {FIGURE} to {FIGURE} points\.$",
        "reward": rf"^Item (\S+): reward, rounded .*from {FIGURE} to {FIGURE} points\.$",
        "item": rf"^Item (\S+), .*: {FIGURE} points, .* {FIGURE} counted, score {FIGURE}, reward {FIGURE}\.(?: |$)",
        "group": rf"^Group .*from {FIGURE} to {FIGURE} points\.$",
        "sum": rf"^The total.* from {FIGURE} to {FIGURE} points\.$",
        "total": rf"^Total: {FIGURE} of ",
    },
    "zh": {
        "takes": rf"^(\S+?)，规则 (\S+?)[：，].*从 (?P<item>\S+) 扣 {FIGURE} 分。(?:依据第|条款)",
        "gives": rf"^(\S+?)，规则 (\S+?)[：，].*给 (?P<item>\S+) 奖 {FIGURE} 分。(?:依据第|条款)",
        "changes": rf"^(\S+?)，规则 (\S+?)：.*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "rule": rf"^规则 (\S+?)（(\S+)）.*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "floor": rf"^项目 (\S+?)：应扣 {FIGURE} 分，实扣 {FIGURE} 分",
        "ceiling": rf"^项目 (\S+?)：该项得分不高于.*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "counted": rf"^项目 (\S+?)：计入的扣分.*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "reward": rf"^项目 (\S+?)：奖分取整.*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "item": rf"^项目 (\S+?)，.*：满分 {FIGURE} 分，.*计入 {FIGURE} 分，得分 {FIGURE}，奖分 {FIGURE}。",
        "group": rf"^分组 .*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "sum": rf"^总分.*由 {FIGURE} 分改为 {FIGURE} 分。$",
        "total": rf"^总分：{FIGURE} 分（",
    },
}


class Reader:
    """Adds up what the sentences say, and asserts that what they claim on the way is what was added up."""

    def __init__(self) -> None:
        self.lines: dict[str, Fraction] = {}
        self.rule_of: dict[str, str] = {}
        self.item_of: dict[str, tuple[str, bool]] = {}
        self.clamped: dict[str, Fraction] = {}
        self.figures: dict[tuple[str, bool], Fraction] = {}
        self.total = Fraction(0)

    def taken(self, item: str, *, award: bool) -> Fraction:
        if (item, award) in self.figures:
            return self.figures[item, award]
        rules: dict[str, Fraction] = defaultdict(Fraction)
        for line, amount in self.lines.items():
            if self.item_of[self.rule_of[line]] == (item, award):
                rules[self.rule_of[line]] += amount
        return sum((self.clamped.get(rule, amount) for rule, amount in rules.items()), Fraction(0))

    def read(self, kind: str, found: re.Match[str]) -> None:
        words = found.groups()
        if kind in {"takes", "gives"}:
            line, rule = words[:2]
            item, amount = (found["item"], words[3]) if "item" in found.groupdict() else (words[3], words[2])
            self.lines[line], self.rule_of[line] = Fraction(amount), rule
            self.item_of[rule] = (item, kind == "gives")
        elif kind == "changes":
            assert self.lines[words[0]] == Fraction(words[2])
            self.lines[words[0]] = Fraction(words[3])
        elif kind == "rule":
            self.clamped[words[0]] = Fraction(words[3])
        elif kind in {"floor", "ceiling", "counted", "reward"}:
            award = kind in {"ceiling", "reward"}
            assert self.taken(words[0], award=award) == Fraction(words[1])
            self.figures[words[0], award] = Fraction(words[2])
        elif kind == "item":
            taken, given = self.taken(words[0], award=False), self.taken(words[0], award=True)
            points, counted, score, reward = (Fraction(word) for word in words[1:])
            assert (counted, score, reward) == (taken, points - taken, given)
            self.total += points - taken + given
        elif kind == "group":
            self.total += Fraction(words[1]) - Fraction(words[0])
        elif kind == "sum":
            assert self.total == Fraction(words[0])
            self.total = Fraction(words[1])
        else:
            assert self.total == Fraction(words[0])


def recompute(sentences: Iterable[str], language: str) -> Fraction:
    reader = Reader()
    for sentence in sentences:
        for kind, pattern in GRAMMAR[language].items():
            if found := re.search(pattern, sentence):
                reader.read(kind, found)
                break
    return reader.total
