"""Messages between the tuner, its fork server and its workers: JSON, never a pickle."""

import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct("<II")

Message = dict[str, Any]


def send(end: socket.socket, message: Message, payload: bytes = b"") -> None:
    """Send a message, with bytes that need no parsing."""
    header = json.dumps(message).encode()
    end.sendall(_LENGTHS.pack(len(header), len(payload)) + header + payload)


def receive(end: socket.socket) -> tuple[Message, bytes]:
    """Wait for a message.

    Raises
    ------
    EOFError
        When the other end is gone.
    """
    header_length, payload_length = _LENGTHS.unpack(_read(end, _LENGTHS.size))
    header = json.loads(_read(end, header_length))
    return header, _read(end, payload_length)


def _read(end: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = end.recv(length - len(data))
        if not chunk:
            raise EOFError("the other end of the channel is closed")
        data += chunk
    return bytes(data)
