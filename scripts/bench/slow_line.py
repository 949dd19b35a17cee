"""A line with a round trip time and a bandwidth, in front of a server: for the wan case."""

import asyncio
import collections
import sys

DELAY = 0.025  # seconds, each way
RATE = 100e6 / 8  # bytes a second, each way, shared by all connections
PIECE = 16 * 1024


class Way:
    """One direction of the line: pieces leave it in order, none before its time."""

    def __init__(self):
        self.free = 0.0

    def arrival(self, size):
        now = asyncio.get_running_loop().time()
        self.free = max(self.free, now) + size / RATE
        return self.free + DELAY


async def carry(way, reader, writer):
    loop = asyncio.get_running_loop()
    waiting = collections.deque()
    ready = asyncio.Event()

    async def deliver():
        while True:
            while not waiting:
                ready.clear()
                await ready.wait()
            at, piece = waiting.popleft()
            if (delay := at - loop.time()) > 0:
                await asyncio.sleep(delay)
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    delivery = asyncio.create_task(deliver())
    piece = b"?"
    while piece:
        try:
            piece = await reader.read(PIECE)
        except ConnectionError:
            piece = b""
        waiting.append((way.arrival(len(piece)), piece))
        ready.set()
        # No more under way than the line holds: twice its delay times its bandwidth.
        while way.free - loop.time() > 2 * DELAY:
            await asyncio.sleep(DELAY / 5)
    try:
        await delivery
    except ConnectionError:
        writer.close()


async def serve(port):
    there, back = Way(), Way()

    async def accept(reader, writer):
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(there, reader, to_writer), carry(back, to_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve(int(sys.argv[1])))
    except KeyboardInterrupt:
        pass
