"""A set of row ids that takes a bit for each, so that all ids of a large table fit in memory many times over."""

_BITS = 10
_MASK = (1 << _BITS) - 1


class IdSet:
    """Ids that were seen; any whole number is one."""

    __slots__ = ("_count", "_pages")

    def __init__(self) -> None:
        self._pages: dict[int, int] = {}
        self._count = 0

    def add(self, number: int) -> bool:
        """Take in an id; tell whether it is new."""
        page, bit = number >> _BITS, 1 << (number & _MASK)
        bits = self._pages.get(page, 0)
        if bits & bit:
            return False
        self._pages[page] = bits | bit
        self._count += 1
        return True

    def __contains__(self, number: int) -> bool:
        return bool(self._pages.get(number >> _BITS, 0) >> (number & _MASK) & 1)

    def __len__(self) -> int:
        return self._count
