"""Talks over a WebSocket with the package websockets, and prints what comes back."""

import sys

import websockets.exceptions
from websockets.sync.client import connect

with connect(sys.argv[1], max_size=None) as socket:
    socket.send("Guten Morgen")
    print(socket.recv())
    socket.send(b"x" * (1 << 20))
    print(len(socket.recv()))
    socket.ping().wait(60)
    if sys.argv[2:] == ["leave"]:
        socket.send("leave")
        try:
            socket.recv()
        except websockets.exceptions.ConnectionClosed as closed:
            print(closed.rcvd.code, closed.rcvd.reason)
    else:
        socket.close(4002)
