"""In which language the terminal speaks: `APPRAISE_LANGUAGE`. JSON, logs and the audit stay English."""

from contextvars import ContextVar

from catalog.glossary import Language

_LANGUAGE: ContextVar[Language | None] = ContextVar("language of the terminal", default=None)


def speak(language: Language | None) -> None:
    """Speak a language from here on; None is whatever the settings say when something is said."""
    _LANGUAGE.set(language)


def spoken(sentence: str) -> str:
    """Return a sentence in the language of the terminal; one that no catalogue has stays as it is."""
    language = _LANGUAGE.get() or _set()
    if language == "en":
        return sentence
    from catalog.sentences import said

    return said(sentence, language)


def _set() -> Language:
    """Read the language where no command has read the settings yet; where they cannot be used it is English."""
    from config.settings import SettingsError, load_settings

    try:
        language: Language = load_settings({}).language
    except SettingsError:
        language = "en"
    speak(language)
    return language
