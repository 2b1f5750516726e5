"""Primaries and mirrors, each a process with a home of its own, and pushes without a git client."""

import base64
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "git-http"))

from servers import Server, wait_for  # noqa: E402

PASSWORD = "bench-Passw0rd"
AUTHORIZATION = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
ZERO = "0" * 40


class Node(Server):
    """A node; `properties` make it a primary or a mirror."""

    def __init__(self, folder, name, executable, properties):
        self.folder, self.name, self.executable, self.properties = folder, name, executable, properties
        self.home = os.path.join(folder, name)
        os.makedirs(os.path.join(self.home, "shared"))
        self.start()

    def start(self, **more):
        """Starts it; with other properties, where some are given."""
        self.properties.update(more)
        own = {
            "server.address": "127.0.0.1", "server.port": "0", "plugin.ssh.enabled": "false",
            "setup.sysadmin.username": "admin", "setup.sysadmin.password": PASSWORD, **self.properties,
        }
        with open(os.path.join(self.home, "shared", "perigee.properties"), "w") as file:
            file.writelines(f"{key}={value}\n" for key, value in own.items())
        self.output = open(os.path.join(self.folder, f"{self.name}.log"), "ab")
        process = subprocess.Popen(
            [self.executable, "serve", "--home", self.home], stdout=self.output, stderr=self.output,
            start_new_session=True)
        self.processes = (process,)
        facts = os.path.join(self.home, "run", "node.json")
        wait_for(lambda: os.path.exists(facts) or process.poll() is not None, self.name)
        with open(facts) as file:
            self.port = json.load(file)["httpPort"]
        self.local = threading.local()

    def restart(self, **more):
        """Stops it, and starts it with other properties."""
        self.stop()
        self.start(**more)

    def connection(self):
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        return self.local.connection

    def ask(self, method, target, body=None, headers=None):
        """An answer's status and body, by a connection that is kept."""
        for attempt in (0, 1):
            try:
                self.connection().request(
                    method, target, body, {"Authorization": AUTHORIZATION, **(headers or {})})
                answer = self.connection().getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, ConnectionError):
                self.connection().close()
                if attempt:
                    raise

    def rest(self, method, target, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, text = self.ask(method, target, data, {"Content-Type": "application/json"})
        if status >= 300:
            raise RuntimeError(f"{method} {target}: {status} {text[:500]!r}")
        return json.loads(text) if text else None

    def perigee(self, *arguments):
        done = subprocess.run([self.executable, *arguments, "--home", self.home], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"perigee {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def log(self):
        text = ""
        folder = os.path.join(self.home, "log")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), errors="replace") as file:
                text += file.read()
        return text

    def metric(self, name, **labels):
        """The sum of a counter's values with these labels."""
        total = 0.0
        for line in self.ask("GET", "/metrics")[1].decode().splitlines():
            if re.match(rf"{name}(_total)?[{{ ]", line) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def is_synchronized(self):
        return self.ask("GET", "/status")[0] == 200

    def head(self, name):
        """What `main` of a repository is, as this node lists it."""
        question = packet(b"command=ls-refs\n") + b"0001" + packet(b"ref-prefix refs/heads/main\n") + b"0000"
        body = self.ask("POST", f"/scm/bench/{name}.git/git-upload-pack", question, {
            "Git-Protocol": "version=2", "Content-Type": "application/x-git-upload-pack-request"})[1]
        found = re.search(rb"([0-9a-f]{40}) refs/heads/main", body)
        return found.group(1).decode() if found else None

    def url(self, name):
        return f"http://admin:{PASSWORD}@127.0.0.1:{self.port}/scm/bench/{name}.git"


def start_mirror(folder, name, executable, primary, accept=True, **properties):
    """A mirror of its own, accepted with all projects."""
    mirror = Node(folder, name, executable, {
        "application.mode": "mirror", "setup.displayName": name, "setup.baseUrl": "http://mirror.example.org",
        "plugin.mirroring.upstream.url": f"http://127.0.0.1:{primary.port}", **properties,
    })
    try:
        mirror.id = re.search(r"[A-Z0-9]{4}(-[A-Z0-9]{4}){3}", mirror.perigee("mirror", "status")).group(0)
        wait_for(lambda: mirror.id in primary.perigee("mirror", "list"), f"the request of {name}", 60)
        if accept:
            primary.perigee("mirror", "accept", mirror.id, "--all-projects")
            wait_for(mirror.is_synchronized, f"{name} to have everything", 1800)
    except BaseException:
        mirror.stop()
        raise
    return mirror


def packet(data):
    return b"%04x" % (len(data) + 4) + data


class Chain:
    """The branch `main` of a repository that grows by a commit with a changed file at a time."""

    def __init__(self, name):
        self.name = name
        self.head = ZERO
        self.count = 0

    def push(self, node):
        """Pushes one more commit; returns when the node has acknowledged it."""
        new, pack = self.next()
        command = f"{self.head} {new} refs/heads/main\0 report-status side-band-64k agent=bench".encode()
        status, body = node.ask(
            "POST", f"/scm/bench/{self.name}.git/git-receive-pack", packet(command) + b"0000" + pack,
            {"Content-Type": "application/x-git-receive-pack-request"})
        if status != 200 or b"ok refs/heads/main" not in body:
            raise RuntimeError(f"push to {self.name}: {status} {body[:300]!r}")
        self.head = new
        return new

    def next(self):
        self.count += 1
        blob = f"{self.name} {self.count}\n".encode() + os.urandom(200)
        tree = b"100644 file\0" + oid("blob", blob)
        parent = f"parent {self.head}\n" if self.head != ZERO else ""
        who = f"B <b@example.org> {1700000000 + self.count} +0000"
        commit = f"tree {oid('tree', tree).hex()}\n{parent}author {who}\ncommitter {who}\n\n{self.count}\n".encode()
        pack = b"PACK" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
        for kind, content in ((1, commit), (2, tree), (3, blob)):
            size, first = len(content) >> 4, kind << 4 | len(content) & 15
            while size:
                pack += bytes([first | 128])
                first, size = size & 127, size >> 7
            pack += bytes([first]) + zlib.compress(content)
        return oid("commit", commit).hex(), pack + hashlib.sha1(pack).digest()


def oid(kind, content):
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).digest()


def lag(mirror, name, wanted, seconds=30):
    """Seconds until a mirror shows `main` at a commit.

    The longer it takes, the seldomer it is asked: questions cost the mirror time.
    """
    began = time.monotonic()
    while mirror.head(name) != wanted:
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"the mirror does not show {wanted} in {name}")
        time.sleep(max(0.001, (time.monotonic() - began) / 10 - 0.01))
    return time.monotonic() - began
