"""``pixfind password``."""

from __future__ import annotations

import sys

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
    from web.security.users import Users, file_of

    if remove + listing + from_stdin > 1:
        raise click.UsageError("give one of --remove, --list and --stdin")
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
    typed: str = click.prompt(
        f"Password of {user}", hide_input=True, confirmation_prompt=True, err=True
    )
    return typed


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")
