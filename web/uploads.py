"""Files of a form: looked at before anything is done, so that what is wrong with one stands beside its field."""

from services.errors import Malformed
from services.file_kinds import LARGEST, media_of
from services.file_writing import MOST, Sent
from web.forms import Form
from web.typed import Mistyped

FIELD = "file"
"""The name of the field in every form that takes files."""


def files_in(form: Form) -> tuple[Sent, ...]:
    """Return the files of a form, each of them one that is taken.

    Raises:
        Mistyped: there are too many, or one is too large, not of a kind that is taken, or not what its name says.
    """
    sent = form.files.get(FIELD, ())
    if len(sent) > MOST:
        raise Mistyped(FIELD, f"At most {MOST} files are taken at once; put several into one.", "too-many-files")
    files = []
    for one in sent:
        # One byte more than is taken tells that there is more.
        file = Sent(one.filename or "", one.file.read(LARGEST + 1))
        try:
            media_of(file.name, file.content)
        except Malformed as error:
            raise Mistyped(FIELD, error.sentence, error.code) from error
        files.append(file)
    return tuple(files)
