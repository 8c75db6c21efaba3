"""The border: what leaves this process by its log or as an error leaves masked.

What a person sees is masked in flows.terminal, pages in flows.tasks.publishing, the
report where it is concluded, and the ledger's events where they are written.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flows.migration.redaction import hide, mask, masked_error, secrets_of

Params = ParamSpec("Params")
Result = TypeVar("Result")

_installed = False


def install() -> None:
    """Mask every log record and every uncaught error of this process from now on.

    Whatever handlers and loggers there are or will be: a record is masked when it is
    made.
    """
    global _installed
    hide(secrets_of(os.environ))
    if _installed:
        return
    _installed = True
    logging.setLogRecordFactory(_masking(logging.getLogRecordFactory()))
    say, say_in_thread = sys.excepthook, threading.excepthook

    def hook(kind: Any, error: BaseException, trace: Any) -> None:
        masked = masked_error(error)
        say(type(masked), masked, trace)

    def thread_hook(said: threading.ExceptHookArgs) -> None:
        if said.exc_value is not None:
            masked = masked_error(said.exc_value)
            parts = (type(masked), masked, said.exc_traceback, said.thread)
            said = threading.ExceptHookArgs(parts)
        say_in_thread(said)

    sys.excepthook, threading.excepthook = hook, thread_hook


def masking_errors(call: Callable[Params, Result]) -> Callable[Params, Result]:
    """The same function, whose errors are masked: Prefect stores their text."""

    @wraps(call)
    def masked(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            clean = masked_error(error)
            if clean is error:
                raise
        # Out here, or the other one would hang on it as its context.
        raise clean

    return masked


def _masking(
    make: Callable[..., logging.LogRecord],
) -> Callable[..., logging.LogRecord]:
    def make_masked(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        _mask_message(record)
        _mask_trace(record)
        return record

    return make_masked


def _mask_message(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:
        # A mistake in the call: logging would print the arguments as they are.
        record.msg, record.args = mask(f"{record.msg} {record.args!r}"), ()
        return
    masked = mask(text)
    if masked != text:
        record.msg, record.args = masked, ()


def _mask_trace(record: logging.LogRecord) -> None:
    if record.stack_info:
        record.stack_info = mask(record.stack_info)
    if not record.exc_info or record.exc_info[0] is None:
        return
    trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    masked = mask(trace)
    if masked != trace:
        # Formatters print this one, and ask no further.
        record.exc_text, record.exc_info = masked, None
