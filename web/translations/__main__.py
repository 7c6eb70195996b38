"""``python -m web.translations``: bring the files up to date, and say what is not translated.

With ``--check`` nothing is written, and the exit status is 1 if anything lacks.
"""

from __future__ import annotations

import sys

from web.translation import DEFAULT, LANGUAGES
from web.translations import collecting


def main(arguments: list[str]) -> int:
    """Do it for all languages but the code's own."""
    is_complete = True
    for tag in LANGUAGES:
        if tag == DEFAULT:
            continue
        catalog = collecting.brought_up_to_date(tag)
        is_current = collecting.content(catalog) == collecting.content(collecting.known(tag))
        if "--check" not in arguments:
            collecting.save(tag, catalog)
        lacking = collecting.lacking(catalog)
        is_complete = is_complete and not lacking and is_current
        sys.stdout.write(f"{tag}: {len(catalog)} texts, {len(lacking)} not translated\n")
        for message in lacking:
            sys.stdout.write(f"  {message.id!r}\n")
    return 0 if is_complete or "--check" not in arguments else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
