"""Real servers on this machine: one that speaks HTTP and does as it is told, one that takes mail."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller


@dataclass
class Web:
    """A web server: what it answers, and everything it was sent."""

    port: int = 0
    status: int = 200
    answer: str = "ok"
    delay: float = 0.0
    got: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def url(self, path: str = "/hook-5ecr3t") -> str:
        """An Apprise address of it, with a key in its path."""
        return f"json://user:pa55w0rd@127.0.0.1:{self.port}{path}"


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server in a thread."""
    state = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(state.delay)
            if state.status < 300:
                state.got.append(json.loads(body))
            state.paths.append(self.path)
            with suppress(BrokenPipeError):  # who asked did not wait
                self.send_response(state.status)
                self.end_headers()
                self.wfile.write(state.answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


class Mails:
    """Takes every mail."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - aiosmtpd asks for it
        """Keep a mail."""
        from email import message_from_bytes, policy

        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def mails() -> Iterator[Mails]:
    """A mail server in a thread."""
    kept = Mails()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        kept.port = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port)
    controller.start()
    yield kept
    controller.stop()
