"""What is measured, one number per call; `run` interleaves and compares the calls."""

import concurrent.futures
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import time

from servers import GIT_ENV, cpu_seconds, git


def packet(text):
    data = text.encode() if isinstance(text, str) else text
    return b"%04x" % (len(data) + 4) + data


LS_REFS = (
    packet("command=ls-refs\n") + packet("agent=bench\n") + packet("object-format=sha1") + b"0001"
    + packet("peel\n") + packet("symrefs\n") + packet("ref-prefix refs/heads/\n")
    + packet("ref-prefix refs/tags/\n") + b"0000"
)


def clone_request(tips):
    wants = b"".join(packet(f"want {tip}\n") for tip in tips)
    return (
        packet("command=fetch") + packet("agent=bench") + packet("object-format=sha1") + b"0001"
        + packet("ofs-delta") + packet("no-progress") + wants + packet("done\n") + b"0000"
    )


def post(port, path, body, keep=None):
    """Sends one request of protocol v2 and reads the whole answer; gives the number of body bytes."""
    connection = keep or socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = (
        f"POST {path}/git-upload-pack HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nGit-Protocol: version=2\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\n"
        f"Accept: application/x-git-upload-pack-result\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    stream = connection.makefile("rb", buffering=1 << 18)
    status = stream.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"port {port}: {status!r}")
    length, chunked = None, False
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode().partition(":")
        if name.lower() == "content-length":
            length = int(value)
        if name.lower() == "transfer-encoding":
            chunked = "chunked" in value
    total = 0
    if chunked:
        while size := int(stream.readline().split(b";")[0], 16):
            left = size + 2
            while left:
                left -= len(stream.read(min(left, 1 << 18)))
            total += size
        stream.readline()
    else:
        while length is None or total < length:
            piece = stream.read(1 << 18 if length is None else min(length - total, 1 << 18))
            if not piece:
                break
            total += len(piece)
    stream.close()
    if not keep:
        connection.close()
    return total


def _ls_refs_worker(arguments):
    port, path, count = arguments
    connection = socket.create_connection(("127.0.0.1", port))
    for _ in range(count):
        post(port, path, LS_REFS, keep=connection)
    connection.close()


def ls_refs_rate(server, name, concurrency, count):
    """ls-refs requests per second over kept connections."""
    each = count // concurrency
    began = time.monotonic()
    if concurrency == 1:
        _ls_refs_worker((server.port, server.path(name), each))
    else:
        with multiprocessing.Pool(concurrency) as pool:
            began = time.monotonic()
            pool.map(_ls_refs_worker, [(server.port, server.path(name), each)] * concurrency)
    return each * concurrency / (time.monotonic() - began)


def _timed(arguments, cwd=None):
    began = time.monotonic()
    done = subprocess.run(arguments, cwd=cwd, env=GIT_ENV, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return time.monotonic() - began


def concurrently(concurrency, tasks):
    """Runs the tasks, `concurrency` at a time; gives how many were done per second."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()
    return len(tasks) / (time.monotonic() - began)


def ls_remote_rate(server, name, concurrency, count):
    """`git ls-remote` runs per second, client processes included."""
    url = server.url(name)
    return concurrently(concurrency, [lambda: _timed(["git", "ls-remote", "-q", url])] * count)


def clone_replay(server, name, request):
    """Seconds and the server's CPU seconds for the recorded request of a full clone."""
    before = cpu_seconds(server.pids())
    began = time.monotonic()
    size = post(server.port, server.path(name), request)
    seconds = time.monotonic() - began
    # A child is counted when its parent has reaped it.
    time.sleep(0.2)
    return seconds, cpu_seconds(server.pids()) - before, size


def clone_rate(server, name, concurrency, request):
    """Full clones per second, by the recorded request, `concurrency` at a time."""
    return concurrently(
        concurrency, [lambda: post(server.port, server.path(name), request)] * concurrency)


def bare_upload_pack(path, request):
    """CPU seconds of `git upload-pack` by itself for the same request."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.run(
        ["git", "upload-pack", "--stateless-rpc", path], input=request, stdout=subprocess.DEVNULL,
        env={**GIT_ENV, "GIT_PROTOCOL": "version=2"}, check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


class Pusher:
    """Working copies that push one small commit at a time, each to a repository of its own."""

    def __init__(self, folder, source, count):
        self.copies = []
        self.turn = 0
        for number in range(count):
            path = os.path.join(folder, f"copy-{number}")
            git("clone", "--quiet", "--no-hardlinks", source, path)
            self.copies.append(path)

    def commit(self, copy):
        self.turn += 1
        with open(os.path.join(copy, "change.txt"), "w") as file:
            file.write(f"{self.turn}\n" * 20)
        git("add", "change.txt", cwd=copy)
        git("commit", "--quiet", "--message", f"change {self.turn}", cwd=copy)

    def rate(self, server, prefix, concurrency, count):
        """Pushes per second, client processes included; commits are made before."""
        rounds = max(1, count // concurrency)
        began_total = 0.0
        for _ in range(rounds):
            copies = self.copies[:concurrency]
            for copy in copies:
                self.commit(copy)
            # Else the first sync of one server pays for what the other, or the client, has left unwritten.
            os.sync()
            tasks = [
                lambda copy=copy, n=n: _timed(
                    ["git", "push", "-q", server.url(f"{prefix}{n}", write=True), "HEAD:refs/heads/bench"], cwd=copy
                )
                for n, copy in enumerate(copies)
            ]
            began = time.monotonic()
            concurrently(concurrency, tasks)
            began_total += time.monotonic() - began
        return rounds * concurrency / began_total


def fsync_milliseconds(folder):
    """The median time of an fsync of a small file here."""
    times = []
    path = os.path.join(folder, "fsync-probe")
    for _ in range(20):
        with open(path, "wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            began = time.monotonic()
            os.fsync(file.fileno())
            times.append(time.monotonic() - began)
    os.unlink(path)
    return statistics.median(times) * 1000
