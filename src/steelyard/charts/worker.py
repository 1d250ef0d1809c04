"""`python -m steelyard.charts.worker`: draws the charts it is sent, so that the process of the site need not.

Frames come in on standard input and go out on standard output, each a pickle after its length in 8 bytes: in (form,
chart), out (whether it was drawn, the picture or what went wrong). It ends with its input, and so with its parent.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO, Literal

from steelyard.charts import render
from steelyard.charts.chart import Chart
from steelyard.domain.frames import LENGTH_BYTES, framed

DrawnForm = Literal["html", "svg", "png", "json"]


def made(chart: Chart, form: DrawnForm) -> str | bytes:
    """The chart in that form; "" or b"" where there is nothing to draw."""
    return _MAKERS[form](chart)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the input ends."""
    while header := requests.read(LENGTH_BYTES):
        request = requests.read(int.from_bytes(header, "big"))
        try:
            # From the process that started this one, by a pipe nobody else has.
            form, chart = pickle.loads(request)  # noqa: S301
            answer = True, made(chart, form)
        except Exception as error:
            answer = False, f"{type(error).__name__}: {error}"
        answers.write(framed(pickle.dumps(answer)))
        answers.flush()


def main() -> None:
    # Ctrl-C is for the site, which lets go of this process in its own time; and pages come before pictures.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)
    # Whatever prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # The pictures are kept by who asked for them.
    render.kept = render.Kept(0)
    render.warm()
    serve(sys.stdin.buffer, answers)


def _document(chart: Chart) -> str:
    return json.dumps(chart.document(), ensure_ascii=False)


_MAKERS: dict[DrawnForm, Callable[[Chart], str | bytes]] = {
    "html": lambda chart: str(chart.figure()),
    "svg": lambda chart: chart.svg_file(),
    "png": lambda chart: chart.png(),
    "json": _document,
}

if __name__ == "__main__":
    main()
