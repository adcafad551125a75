"""Where a schedule database lives, and whether the file there can be one."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from cosearch.schedules.store.errors import DatabaseError

ENVIRONMENT = "COSEARCH_DB"
_MAGIC = b"SQLite format 3\0"
_FORMS = "a file, sqlite:///file or postgresql://user@host/name"


@dataclass(frozen=True)
class Location:
    """A database's place: a URL, and for SQLite its file.

    Attributes
    ----------
    url : sqlalchemy.URL
        As SQLAlchemy takes it.
    path : pathlib.Path or None
        The SQLite file; None for a server and for a database in memory.
    """

    url: URL
    path: Path | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def in_memory(self) -> bool:
        """Whether it vanishes with the process."""
        return self.is_sqlite and self.path is None

    def __str__(self) -> str:
        """Path, or URL without the password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def resolve_location(url: str | Path | None) -> Location:
    """Find out which database is meant.

    Parameters
    ----------
    url : str or Path or None
        A path or a URL; None for the environment variable ``COSEARCH_DB`` or, without it, a file
        in the user's cache folder.

    Raises
    ------
    DatabaseError
        When it is neither a path nor a URL of SQLite or PostgreSQL.
    """
    if url is None:
        url = os.environ.get(ENVIRONMENT) or default_path()
    if isinstance(url, Path) or "://" not in url:
        return _file(os.fspath(url))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(f"cannot read the database URL {url!r}: use {_FORMS}.") from error
    if parsed.get_backend_name() == "sqlite":
        return _file(parsed.database or ":memory:")
    if parsed.drivername in ("postgresql", "postgres"):
        return Location(parsed.set(drivername="postgresql+psycopg"))
    if parsed.get_backend_name() == "postgresql":
        return Location(parsed)
    shown = parsed.render_as_string(hide_password=True)
    raise DatabaseError(f"no such database as {shown!r}: use {_FORMS}.")


def default_path() -> Path:
    """Return the file in the user's cache folder that is used when nothing else is said."""
    return platformdirs.user_cache_path("cosearch") / "schedules.sqlite"


def prepare_file(path: Path, read_only: bool) -> bool:
    """Check that a path is, or can become, a SQLite database; make its folder.

    Returns
    -------
    bool
        Whether the database can only be read.

    Raises
    ------
    DatabaseError
        When it cannot; the file is left as it was.
    """
    if path.is_dir():
        raise DatabaseError(
            f"{path} is a folder: name a file in it, such as {path / 'schedules.sqlite'}."
        )
    if not path.exists():
        if read_only:
            raise DatabaseError(f"there is no database {path} to read.")
        _make_folder(path.parent)
        return False
    _check_header(path)
    return read_only or not os.access(path, os.W_OK)


def is_sqlite_file(path: Path) -> bool:
    """Tell whether a file begins as SQLite's do."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _file(text: str) -> Location:
    if text == ":memory:":
        return Location(URL.create("sqlite", database=":memory:"))
    if not text.strip():
        raise DatabaseError(f"the name of the database is empty: use {_FORMS}.")
    path = Path(text).expanduser().absolute()
    return Location(URL.create("sqlite", database=str(path)), path)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"cannot make the folder {folder} for the schedule database ({error.strerror}): "
            f"set {ENVIRONMENT} to a file that you may write."
        ) from error
    if not os.access(folder, os.W_OK):
        raise DatabaseError(
            f"cannot write a schedule database into {folder}: "
            f"set {ENVIRONMENT} to a file that you may write."
        )


def _check_header(path: Path) -> None:
    """Refuse a file that is no SQLite database, or not all of one.

    An empty file passes: it is what a kill between the creation of the file and the first
    transaction leaves.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise DatabaseError(f"cannot read {path}: {error.strerror}.") from error
    if size == 0:
        return
    if not header.startswith(_MAGIC) and not _MAGIC.startswith(header):
        raise DatabaseError(
            f"{path} is not a schedule database but some other file, which was left as it is: "
            f"name another file."
        )
    expected = _expected_bytes(header)
    if size < expected:
        raise DatabaseError(
            f"{path} is cut short: {size} of {expected} bytes are there. It was left as it is: "
            f"put back a copy, or save what can be read with "
            f"`sqlite3 {path} .recover | sqlite3 {path}.saved`."
        )


def _expected_bytes(header: bytes) -> int:
    """Bytes that a database file has at least, by its header (sqlite.org/fileformat.html)."""
    if len(header) < 100:
        return 100
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    counter_is_current = header[24:28] == header[92:96]
    return (65536 if page == 1 else page) * (pages if counter_is_current else 1)
