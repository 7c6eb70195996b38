"""``pixfind password``."""

from __future__ import annotations

import getpass
import os
import sys
import warnings

import click

from pixfind.cli.output import json_option, notice, print_json
from pixfind.config import Settings

OWNER = "owner"


@click.command()
@click.argument("user", default=OWNER)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from stdin, one line.")
@click.option("--remove", is_flag=True, help="Let the user in no more.")
@click.option("--list", "listing", is_flag=True, help="List who has a password.")
@json_option
@click.pass_obj
def password(
    settings: Settings, user: str, from_stdin: bool, remove: bool, listing: bool, as_json: bool
) -> None:
    """Set the password with which USER logs in where pixfind serve --auth password asks for it.

    USER is "owner" unless you name another. Passwords are asked for, twice, and never shown; only
    their hashes are kept (scrypt), with the library. Setting or removing one logs the user out
    everywhere, also of servers that are running.

    \b
    Example:
      pixfind password
      pixfind password anna
      pixfind password --remove anna
      pixfind password --list
    """
    from pixfind.catalog.database import FILE_NAME
    from pixfind.errors import LibraryNotFoundError, LibraryReadOnlyError
    from web.security.users import Users, file_of

    if remove + listing + from_stdin > 1:
        raise click.UsageError("give one of --remove, --list and --stdin")
    # Its catalog need not open: who is to be let in no more cannot wait until it is repaired.
    if not (settings.library / FILE_NAME).is_file():
        raise LibraryNotFoundError(settings.library)
    if not listing and not os.access(settings.library, os.W_OK):
        raise LibraryReadOnlyError(settings.library)
    users = Users(file_of(settings))
    if remove:
        users.remove(user)
        notice(f"{user} can log in no more")
    elif not listing:
        users.set(user, _line() if from_stdin else _asked_for(user))
        notice(
            f"{user} can log in with that password now, where pixfind serve --auth password runs"
        )
    names = users.names()
    if as_json:
        print_json({"users": names})
    elif listing:
        for name in names:
            click.echo(name)


def _asked_for(user: str) -> str:
    try:
        with warnings.catch_warnings():
            # Without a terminal it would be read all the same, and shown where it is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            typed: str = click.prompt(
                f"Password of {user}", hide_input=True, confirmation_prompt=True, err=True
            )
    except getpass.GetPassWarning as error:
        raise click.ClickException(
            "there is no terminal to ask for the password; give it as one line with: --stdin"
        ) from error
    return typed


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")
