"""Everything that pixfind raises on purpose.

    PixfindError
    ├── LibraryError
    │   ├── LibraryNotFoundError     no library in that folder
    │   ├── LibraryEmptyError        nothing has been indexed
    │   ├── LibraryBusyError         another process writes to it
    │   │   └── LibraryBeingReplacedError  or repairs it, or puts a backup back
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

from pixfind.errors.base import (
    PixfindError,
)
from pixfind.errors.language_model import (
    LanguageModelAddressError,
    LanguageModelError,
    LanguageModelHttpError,
    LanguageModelProtocolError,
    LanguageModelQueryError,
    LanguageModelTimeoutError,
    LanguageModelUnreachableError,
)
from pixfind.errors.library import (
    BackupDamagedError,
    BackupError,
    BackupTooNewError,
    LibraryAccessError,
    LibraryBeingReplacedError,
    LibraryBusyError,
    LibraryDamagedError,
    LibraryEmptyError,
    LibraryError,
    LibraryNotFoundError,
    LibraryReadOnlyError,
    LibraryTooNewError,
)
from pixfind.errors.models import (
    ModelAddError,
    ModelDamagedError,
    ModelError,
    ModelMismatchError,
    ModelNotFoundError,
    UncalibratedError,
)
from pixfind.errors.photos import (
    DecodersBusyError,
    DecodersStartError,
    ExportError,
    LinksRefusedError,
    NotAPictureError,
    PathNotFoundError,
    PhotoDecodeError,
    PhotoError,
    PhotoNotFoundError,
    PhotoReadError,
    RootError,
    SidecarError,
)
from pixfind.errors.queries import (
    AlbumError,
    AlbumExistsError,
    AlbumNameError,
    AlbumNotFoundError,
    EvaluationError,
    PictureRefusedError,
    QueryError,
    QuerySyntaxError,
)
from pixfind.errors.tags import (
    TaggingError,
    UnknownTagError,
    VocabularyError,
)
from pixfind.errors.web import (
    AccessError,
    DescriberBusyError,
    FolderRefusedError,
    IndexingActiveError,
    IndexingError,
    LoginRequiredError,
    NoIndexingError,
    PasswordFileError,
    PasswordRefusedError,
    TokenError,
    TooManyAttemptsError,
    TooManyPicturesError,
    TooManyWatchersError,
    UnguardedError,
    UserRefusedError,
)

__all__ = [
    "AccessError",
    "AlbumError",
    "AlbumExistsError",
    "AlbumNameError",
    "AlbumNotFoundError",
    "BackupDamagedError",
    "BackupError",
    "BackupTooNewError",
    "DecodersBusyError",
    "DecodersStartError",
    "DescriberBusyError",
    "EvaluationError",
    "ExportError",
    "FolderRefusedError",
    "IndexingActiveError",
    "IndexingError",
    "LanguageModelAddressError",
    "LanguageModelError",
    "LanguageModelHttpError",
    "LanguageModelProtocolError",
    "LanguageModelQueryError",
    "LanguageModelTimeoutError",
    "LanguageModelUnreachableError",
    "LibraryAccessError",
    "LibraryBeingReplacedError",
    "LibraryBusyError",
    "LibraryDamagedError",
    "LibraryEmptyError",
    "LibraryError",
    "LibraryNotFoundError",
    "LibraryReadOnlyError",
    "LibraryTooNewError",
    "LinksRefusedError",
    "LoginRequiredError",
    "ModelAddError",
    "ModelDamagedError",
    "ModelError",
    "ModelMismatchError",
    "ModelNotFoundError",
    "NoIndexingError",
    "NotAPictureError",
    "PasswordFileError",
    "PasswordRefusedError",
    "PathNotFoundError",
    "PhotoDecodeError",
    "PhotoError",
    "PhotoNotFoundError",
    "PhotoReadError",
    "PictureRefusedError",
    "PixfindError",
    "QueryError",
    "QuerySyntaxError",
    "RootError",
    "SidecarError",
    "TaggingError",
    "TokenError",
    "TooManyAttemptsError",
    "TooManyPicturesError",
    "TooManyWatchersError",
    "UncalibratedError",
    "UnguardedError",
    "UnknownTagError",
    "UserRefusedError",
    "VocabularyError",
]
