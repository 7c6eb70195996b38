"""Everything that pixfind raises on purpose.

    PixfindError
    ├── LibraryError
    │   ├── LibraryNotFoundError     no library in that folder
    │   ├── LibraryEmptyError        nothing has been indexed
    │   ├── LibraryBusyError         another process writes to it
    │   ├── LibraryTooNewError       made by a later version
    │   ├── LibraryAccessError       the disk or its permissions are in the way
    │   │   └── LibraryReadOnlyError nothing can be written where it lies
    │   └── LibraryDamagedError      catalog.db is not a usable database
    ├── ModelError
    │   ├── ModelNotFoundError       no such model installed
    │   ├── ModelMismatchError       the library was indexed with another one
    │   ├── ModelDamagedError        files missing or changed
    │   ├── ModelAddError            a model could not be made or taken in
    │   └── UncalibratedError        nobody knows what its scores are worth
    ├── PhotoError                   one file; an indexing run goes on
    │   ├── PhotoReadError           the file could not be read (worth another try)
    │   └── PhotoDecodeError         its bytes are not a usable picture
    ├── PhotoNotFoundError           no photo with that id
    ├── PathNotFoundError            a folder or file that is not there
    ├── NotAPictureError             a named file that is no picture or video by its name
    ├── RootError                    a folder of the library that cannot be moved
    ├── QueryError                   a query that says nothing
    │   └── QuerySyntaxError         a query that the query language does not know
    ├── AlbumError                   a saved search
    │   ├── AlbumNameError           a name that no album can have
    │   ├── AlbumExistsError         the name is taken
    │   └── AlbumNotFoundError       no album of that name
    ├── ExportError                  photos that cannot be put where they were asked for
    │   └── LinksRefusedError        symbolic links cannot be made there
    ├── EvaluationError              a labelled set that cannot be read
    ├── SidecarError                 one sidecar; others go on
    ├── DecodersStartError           the processes that decode files do not start
    ├── DecodersBusyError            others have all of them
    ├── VocabularyError              a vocabulary of labels that cannot be used
    ├── UnknownTagError              no such tag in the vocabulary
    ├── AccessError                  who may use the web app
    │   ├── UnguardedError           it would be open to everybody
    │   ├── TokenError               a token that could be guessed
    │   ├── UserRefusedError         a name that nobody can have, or nobody has
    │   ├── PasswordRefusedError     a password that could be guessed
    │   ├── PasswordFileError        their hashes cannot be read or written
    │   ├── LoginRequiredError       somebody has not logged in
    │   └── TooManyAttemptsError     too many logins have failed
    ├── TooManyPicturesError         brought to search by, faster than is allowed
    └── LanguageModelError           the language model, which is optional, was of no help
        ├── LanguageModelAddressError      no address of one, or a key that cannot be sent
        ├── LanguageModelUnreachableError  nothing answers there
        ├── LanguageModelTimeoutError      its answer takes too long
        ├── LanguageModelHttpError         it says that something is wrong
        ├── LanguageModelProtocolError     what answers speaks another protocol
        └── LanguageModelQueryError        it made no query of a request

The message of each is one line: the cause and the next step. The library code raises them; only
the command line and the web layer turn them into text and status codes. The web translates those
that are made by ``said``.
"""

from __future__ import annotations

import math
from pathlib import Path

from pixfind.messages import any_of, said


class PixfindError(Exception):
    """Base of every error that pixfind raises on purpose."""


class LibraryError(PixfindError):
    """Something about the library as a whole."""

    def __init__(self, message: str, library: Path) -> None:
        super().__init__(message)
        self.library = library


class LibraryNotFoundError(LibraryError):
    """There is no library in the folder."""

    def __init__(self, library: Path) -> None:
        super().__init__(
            said(
                "there is no library in %(library)s; make one with: pixfind index FOLDER",
                library=library,
            ),
            library,
        )


class LibraryEmptyError(LibraryError):
    """The library has no photo that could be searched."""

    def __init__(self, library: Path) -> None:
        super().__init__(
            said(
                "the library in %(library)s has no photos yet; add some with: pixfind index FOLDER",
                library=library,
            ),
            library,
        )


class LibraryBusyError(LibraryError):
    """Another process is writing to the library."""

    def __init__(self, library: Path) -> None:
        super().__init__(
            said(
                "another pixfind is indexing the library in %(library)s; "
                "wait until it has finished",
                library=library,
            ),
            library,
        )


class LibraryTooNewError(LibraryError):
    """The catalog's schema is later than this program knows."""

    def __init__(self, library: Path, migration: str) -> None:
        super().__init__(
            said(
                "the library in %(library)s was written by a later pixfind (it has %(migration)s); "
                "update pixfind to open it",
                library=library,
                migration=repr(migration),
            ),
            library,
        )
        self.migration = migration


class LibraryAccessError(LibraryError):
    """The catalog is whole, but cannot be read or written."""

    def __init__(self, library: Path, reason: str) -> None:
        super().__init__(
            said(
                "the catalog in %(library)s cannot be used (%(reason)s); "
                "check the disk's free space and the folder's permissions",
                library=library,
                reason=reason,
            ),
            library,
        )
        self.reason = reason


class LibraryDamagedError(LibraryError):
    """The catalog cannot be read as a database."""

    def __init__(self, library: Path, reason: str) -> None:
        super().__init__(
            said(
                "the catalog in %(library)s cannot be read (%(reason)s); "
                "see what is wrong with: pixfind doctor, or put back a backup: pixfind restore",
                library=library,
                reason=reason,
            ),
            library,
        )
        self.reason = reason


class ModelError(PixfindError):
    """Something about a model."""

    def __init__(self, message: str, model: str) -> None:
        super().__init__(message)
        self.model = model


class ModelNotFoundError(ModelError):
    """No model of that name is installed."""

    def __init__(self, model: str, installed: list[str]) -> None:
        super().__init__(
            said(
                "no model %(model)s is installed (there are: %(installed)s); "
                "add one with: pixfind models add or pixfind models import",
                model=repr(model),
                installed=", ".join(installed),
            ),
            model,
        )
        self.installed = installed


class ModelMismatchError(ModelError):
    """The library's vectors come from another model than the one asked for."""

    def __init__(self, library: Path, indexed: str, asked: str, name: str) -> None:
        super().__init__(
            said(
                "the library in %(library)s was indexed with %(indexed)s, not with %(asked)s; "
                "embed it again with: pixfind index --model %(name)s",
                library=library,
                indexed=indexed,
                asked=asked,
                name=name,
            ),
            asked,
        )
        self.library = library
        self.indexed = indexed


class ModelDamagedError(ModelError):
    """A model's files are missing, unreadable or not the ones it was made of."""

    def __init__(self, model: str, folder: Path, reason: str) -> None:
        super().__init__(
            said(
                "the model %(model)s in %(folder)s cannot be used (%(reason)s); "
                "add or import it again, or reinstall pixfind if it is the bundled one",
                model=repr(model),
                folder=folder,
                reason=reason,
            ),
            model,
        )
        self.folder = folder
        self.reason = reason


class ModelAddError(ModelError):
    """A model could not be exported or taken in."""


class UncalibratedError(ModelError):
    """A model whose scores nobody has compared with what people say of photos."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the model {model!r} has no calibration, so it cannot tell how probable a label is by "
            "itself; leave --multi away to compare the labels, or take the bundled model",
            model,
        )


class PhotoError(PixfindError):
    """One file that could not become an embedding."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(said("%(path)s: %(reason)s", path=path, reason=reason))
        self.path = path
        self.reason = reason


class PhotoReadError(PhotoError):
    """The file's bytes could not be read: permissions, a vanished file, a failing disk."""


class PhotoDecodeError(PhotoError):
    """The file's bytes are not a picture that can be shown."""


class PhotoNotFoundError(PixfindError):
    """No photo has that id."""

    def __init__(self, photo: int) -> None:
        super().__init__(
            said(
                "there is no photo %(photo)s in the library; it may have been removed", photo=photo
            )
        )
        self.photo = photo


class PathNotFoundError(PixfindError):
    """A path that was asked for is not there."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            said("there is nothing at %(path)s; check the path, or mount its drive", path=path)
        )
        self.path = path


class NotAPictureError(PixfindError):
    """A file that was named one by one, and that a scan would pass over."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            said(
                "%(path)s is neither a picture nor a video by its name; "
                "pixfind reads JPEG, PNG, HEIC, MP4, MOV, WebM, ...",
                path=path,
            )
        )
        self.path = path


class RootError(PixfindError):
    """A folder of the library that cannot be re-pointed."""


class QueryError(PixfindError):
    """A query that cannot be answered."""


class QuerySyntaxError(QueryError):
    """A query that does not follow the query language (``docs/QUERY.md``).

    ``position`` is the character where the mistake begins, the first being 1. ``expected`` says
    what would be right there, and ``suggestion`` is something to type instead; ``guessed`` tells
    that it was made from what was typed.
    """

    def __init__(
        self, position: int, problem: str, expected: str, suggestion: str, *, guessed: bool = False
    ) -> None:
        if guessed:
            advice = said("did you mean %(suggestion)s?", suggestion=suggestion)
        else:
            advice = said("try %(suggestion)s", suggestion=suggestion)
        super().__init__(
            said(
                "in the query at character %(position)s: %(problem)s; %(advice)s",
                position=position,
                problem=problem,
                advice=advice,
            )
        )
        self.position = position
        self.expected = expected
        self.suggestion = suggestion


class AlbumError(PixfindError):
    """Something about a saved search."""


class AlbumNameError(AlbumError):
    """No album can have that name."""


class AlbumExistsError(AlbumError):
    """There is an album of that name, which is not to be replaced."""

    def __init__(self, name: str) -> None:
        super().__init__(
            said(
                "there is an album %(name)s already; "
                "take another name, or save over it with --replace",
                name=repr(name),
            )
        )
        self.name = name


class AlbumNotFoundError(AlbumError):
    """There is no album of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            said(
                "there is no album %(name)s; those that there are: pixfind albums list",
                name=repr(name),
            )
        )
        self.name = name


class ExportError(PixfindError):
    """Photos that cannot be exported as was asked."""


class LinksRefusedError(ExportError):
    """The platform, or the file system of the folder, makes no symbolic links."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"symbolic links cannot be made in {folder} ({reason}); copy the photos with --copy-to"
        )
        self.folder = folder
        self.reason = reason


class EvaluationError(PixfindError):
    """A labelled set that cannot be evaluated."""


class LanguageModelError(PixfindError):
    """The language model could not help."""


class LanguageModelAddressError(LanguageModelError):
    """An address, or a key, with which no server can be asked."""


class LanguageModelUnreachableError(LanguageModelError):
    """No server answers at the address, or it broke off the connection."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no language model can be reached at {url} ({reason}); "
            "start one there, for example with: ollama serve"
        )
        self.url = url
        self.reason = reason


class LanguageModelTimeoutError(LanguageModelError):
    """The answer did not come in time."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(
            f"the language model at {url} did not answer within {seconds:g} s; wait longer with "
            "--llm-timeout, or take a smaller model with --llm-model"
        )
        self.url = url
        self.seconds = seconds


class LanguageModelHttpError(LanguageModelError):
    """The server refused, in its own words."""

    def __init__(self, url: str, status: int, message: str, advice: str) -> None:
        super().__init__(f"the language model at {url} answered {status}: {message}; {advice}")
        self.url = url
        self.status = status


class LanguageModelProtocolError(LanguageModelError):
    """The server's answer is not one of the OpenAI protocol, or says nothing."""

    def __init__(self, url: str, reason: str, advice: str | None = None) -> None:
        advice = advice or (
            "pixfind needs a server that speaks OpenAI's protocol, such as Ollama, llama.cpp's or "
            "vLLM"
        )
        super().__init__(f"what answers at {url} {reason}; {advice}")
        self.url = url
        self.reason = reason


class LanguageModelQueryError(LanguageModelError):
    """The model made no query that pixfind understands, in two attempts."""

    def __init__(self, written: str, problem: str) -> None:
        super().__init__(
            f"the language model made no query of the request: it wrote {written!r} ({problem}); "
            "say it in other words, or write the query (pixfind search --syntax)"
        )
        self.written = written
        self.problem = problem


class VocabularyError(PixfindError):
    """A vocabulary of labels that cannot be used."""

    def __init__(self, source: Path | str, line: int | None, problem: str) -> None:
        where = f"{source}, line {line}" if line is not None else f"{source}"
        super().__init__(f"{where}: {problem}")
        self.source = source
        self.line = line
        self.problem = problem


class UnknownTagError(PixfindError):
    """The vocabulary has no such tag."""

    def __init__(self, tag: str, close: list[str]) -> None:
        advice = (
            said("did you mean %(suggestion)s?", suggestion=any_of(map(repr, close)))
            if close
            else said("add it to a vocabulary of your own")
        )
        super().__init__(
            said("no tag %(tag)s is in the vocabulary; %(advice)s", tag=repr(tag), advice=advice)
        )
        self.tag = tag
        self.close = close


class TaggingError(PixfindError):
    """Photos that cannot be tagged as was asked."""


class SidecarError(PixfindError):
    """A sidecar that cannot be used, or not be written. Others go on."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file} {problem}")
        self.file = file
        self.problem = problem


class DescriberBusyError(PixfindError):
    """Describing goes one photo at a time, and others are waiting."""

    def __init__(self) -> None:
        super().__init__(said("other photos are being described; ask again in a moment"))


class IndexingError(PixfindError):
    """Indexing from the browser that cannot be done as was asked."""


class IndexingActiveError(IndexingError):
    """One run at a time writes to a library."""

    def __init__(self) -> None:
        super().__init__(
            said("photos are being indexed already; wait until that has ended or cancel it")
        )


class NoIndexingError(IndexingError):
    """There is nothing to pause or cancel."""

    def __init__(self) -> None:
        super().__init__(said("nothing is being indexed now"))


class FolderRefusedError(IndexingError):
    """A folder that may not be added from the browser, or is not there."""


class TooManyWatchersError(IndexingError):
    """Each page that shows progress live keeps a thread of the server."""

    def __init__(self) -> None:
        super().__init__(
            said("too many pages follow the indexing live; close one, or load this again")
        )


class PictureRefusedError(QueryError):
    """Pictures to search by that are not taken: none, too many, or too large."""


class LibraryReadOnlyError(LibraryAccessError):
    """The library can be read and searched, but not changed."""

    def __init__(self, library: Path) -> None:
        LibraryError.__init__(
            self,
            said(
                "the library in %(library)s can only be read: its folder or its disk cannot be "
                "written; get the permission to write there, or copy the library elsewhere",
                library=library,
            ),
            library,
        )
        self.reason = "read-only"


class BackupError(PixfindError):
    """A backup that cannot be made, or is not to be restored."""


class BackupDamagedError(BackupError):
    """A file that is no backup of a library, or no whole one."""

    def __init__(self, backup: Path, reason: str) -> None:
        super().__init__(
            f"{backup} is no backup that can be restored ({reason}); take another one: "
            "nothing has been changed"
        )
        self.backup = backup
        self.reason = reason


class BackupTooNewError(BackupError):
    """A backup that a later pixfind made."""

    def __init__(self, backup: Path, later: str) -> None:
        super().__init__(
            f"{backup} was made by a later pixfind (it has {later!r}); update pixfind to restore "
            "it: nothing has been changed"
        )
        self.backup = backup


class DecodersStartError(PixfindError):
    """The processes that decode files do not start, so none can be decoded."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            said(
                "the process that decodes pictures does not start (%(reason)s); "
                "reinstall pixfind, or see whether the system lets it start programs",
                reason=reason,
            )
        )
        self.reason = reason


class DecodersBusyError(PixfindError):
    """Others have all the processes that decode files."""

    def __init__(self) -> None:
        super().__init__(said("other pictures are being decoded; ask again in a moment"))


class AccessError(PixfindError):
    """Something about who may use the web app."""


class UnguardedError(AccessError):
    """Others could connect, and nothing would ask them who they are."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"anybody who can reach {host} could see all photos; let in only those who log in "
            "with: --auth token or --auth password (or everybody with: --insecure)"
        )
        self.host = host


class TokenError(AccessError):
    """A token that could be guessed, or that no header can hold."""

    def __init__(self) -> None:
        super().__init__(
            "the token in PIXFIND_TOKEN must be 16 to 256 letters, digits or any of ._~+/-; "
            "leave it unset to have one made"
        )


class UserRefusedError(AccessError):
    """A name that no user can have, or that none has."""


class PasswordRefusedError(AccessError):
    """A password that is too easy to guess, or too long."""


class PasswordFileError(AccessError):
    """The file of the passwords' hashes cannot be read or written."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(
            said(
                "the passwords in %(file)s cannot be used (%(reason)s); check its permissions, or "
                "remove it and set them anew with: pixfind password",
                file=file,
                reason=reason,
            )
        )
        self.file = file
        self.reason = reason


class LoginRequiredError(AccessError):
    """Only those who have logged in are answered."""

    def __init__(self) -> None:
        super().__init__(
            said("this server answers those who log in; programs send credentials instead")
        )


class TooManyAttemptsError(AccessError):
    """Too many logins have failed, or are being checked at this moment."""

    def __init__(self, seconds: float, why: str | None = None) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            said(
                "%(why)s; try again in %(seconds)s s",
                why=why or said("too many logins have failed"),
                seconds=self.seconds,
            )
        )


class TooManyPicturesError(PixfindError):
    """Pictures to search by come faster than they can be looked at."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            said(
                "too many pictures are brought to search by; try again in %(seconds)s s",
                seconds=self.seconds,
            )
        )
