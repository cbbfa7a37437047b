# SPDX-License-Identifier: Apache-2.0
"""A server and a client, with 500 connections between them: half are always in mid-transfer, half wait most of the time.

All that is sent follows from a number, so that each side can check what it receives.
"""

import asyncio
import hashlib
import os

from load import check, is_over, step

PORT = 8080
CONNECTIONS = 500
SIZE = 64 << 10
PART = 8 << 10
PAUSE = 0.2


def content(number):
    return hashlib.shake_128(str(number).encode()).digest(SIZE)


async def serve(reader, writer):
    """Answers `get NUMBER` by its content, `put NUMBER` and its content by a line, and `ping NUMBER` by the number."""
    while line := await reader.readline():
        verb, number = line.decode().split()
        if verb == "ping":
            writer.write(f"{number}\n".encode())
        elif verb == "put":
            check(await reader.readexactly(SIZE) == content(number), f"what the server received: {number}")
            writer.write(b"stored\n")
        else:
            await send(writer, content(number))
        await writer.drain()
    writer.close()


async def send(writer, data):
    """Sends in parts, with pauses."""
    for start in range(0, SIZE, PART):
        writer.write(data[start : start + PART])
        await writer.drain()
        await asyncio.sleep(PAUSE)


async def transfer(name):
    """Gets and puts, one after the other."""
    reader, writer = await connect()
    turn = 0
    while not is_over():
        turn += 1
        number = f"{name}.{turn}"
        if turn % 2:
            writer.write(f"get {number}\n".encode())
            check(await reader.readexactly(SIZE) == content(number), f"what the client received: {number}")
        else:
            writer.write(f"put {number}\n".encode())
            await send(writer, content(number))
            check(await reader.readline() == b"stored\n", f"the answer to {number}")
        if (name + turn) % 50 == 0:
            step()
    await end(reader, writer)


async def wait(name):
    """Says something once in a while."""
    reader, writer = await connect()
    turn = 0
    while not is_over():
        turn += 1
        number = f"{name}.{turn}"
        writer.write(f"ping {number}\n".encode())
        check((await reader.readline()).decode() == f"{number}\n", f"the answer to ping {number}")
        await asyncio.sleep(1)
    await end(reader, writer)


async def connect():
    return await asyncio.open_connection("127.0.0.1", PORT)


async def end(reader, writer):
    writer.write_eof()
    check(await reader.read() == b"", "the end")
    writer.close()


async def client():
    half = CONNECTIONS // 2
    await asyncio.gather(*map(transfer, range(half)), *map(wait, range(half, 2 * half)))


async def server():
    await asyncio.start_server(serve, "127.0.0.1", PORT, backlog=CONNECTIONS)
    await asyncio.Event().wait()


async def ready():
    """Waits for the server."""
    while True:
        try:
            _, writer = await connect()
            writer.close()
            return
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)


if os.fork() == 0:
    asyncio.run(server())
asyncio.run(ready())
asyncio.run(client())
