"""The initials of a name, as people type them to find somebody: 王小明 is wxm, Ann Lee is al."""


def initials(name: str) -> str:
    """Return the first letters of a name in small Latin letters, of a Chinese one those of its pinyin."""
    # Its dictionaries take some 50 MiB, which only who writes down a name has to carry.
    from pypinyin import Style, lazy_pinyin

    spoken = " ".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors=lambda rest: f" {rest} "))
    return "".join(part[0] for part in spoken.split() if part[0].isalnum()).lower()


def syllables(name: str) -> list[str]:
    """Return a name as it is spoken in pinyin, in small Latin letters without tones: 王小明 is wang, xiao, ming."""
    from pypinyin import lazy_pinyin

    spoken = " ".join(lazy_pinyin(name, errors=lambda rest: f" {rest} "))
    return ["".join(letter for letter in part.lower() if letter.isalnum()) for part in spoken.split()]
