"""What is wrong with a photo, its file, or a folder of them."""

from __future__ import annotations

from pathlib import Path

from pixfind.errors.base import PixfindError
from pixfind.messages import said


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


class SidecarError(PixfindError):
    """A sidecar that cannot be used, or not be written. Others go on."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file} {problem}")
        self.file = file
        self.problem = problem


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
