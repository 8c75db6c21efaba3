"""The report as a file, written whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from flows.migration.redaction import masked_model
from flows.migration.report import Report
from flows.migration.report_json import report_as_json
from flows.migration.report_page import report_page

ENDINGS = (".md", ".json")


def assert_report_can_be_written(type_: Any, file: Path | None) -> None:
    """Before anything is flown: a report that is lost afterwards cannot be had again.

    Raises:
        ValueError: what is wrong with the path.
    """
    if file is None:
        return
    if file.suffix.lower() not in ENDINGS:
        raise ValueError(f"{file}: its name must end in .md or .json")
    if file.is_dir():
        raise ValueError(f"{file}: is a directory; name a file in it")
    try:
        # As it will be done: a file beside it, which takes its place.
        with tempfile.NamedTemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise ValueError(f"{file}: cannot be written: {error.strerror}") from None


def write_report(file: Path, report: Report) -> None:
    """Write it as Markdown or JSON, by the name's ending.

    Raises:
        OSError: it could not be written; what was there before is untouched.
    """
    report = masked_model(report)
    text = _as_json(report) if file.suffix.lower() == ".json" else report_page(report)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as beside:
            beside.write(text)
            beside.flush()
            os.fsync(descriptor)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def _as_json(report: Report) -> str:
    return json.dumps(report_as_json(report), indent=2, ensure_ascii=False) + "\n"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
