"""Where the SQL files lie: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
SQL = next(
    folder for folder in (_PACKAGE / "sql", _PACKAGE.parent / "sql") if folder.is_dir()
)
