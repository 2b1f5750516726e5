"""The servers that are compared, each on a free port of 127.0.0.1 and stopped by process id."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

GIT_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.org",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.org",
}


def git(*arguments, cwd=None, stdin=None):
    """Runs git, which must succeed, and gives its output."""
    done = subprocess.run(["git", *arguments], cwd=cwd, env=GIT_ENV, input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.02)


def tree(pid):
    """The process and all below it."""
    pids = [pid]
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                for child in file.read().split():
                    pids += tree(int(child))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return pids


def cpu_seconds(pids):
    """User and system time of the processes and of their reaped children."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += sum(int(field) for field in fields[11:15])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
    return total / 1024


class Server:
    name = ""
    port = 0
    processes = ()

    def pids(self):
        return [pid for process in self.processes for pid in tree(process.pid)]

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            # fcgiwrap's workers outlive it; each server leads a process group of its own.
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass


class Perigee(Server):
    name = "perigee"
    password = "bench-Passw0rd"

    def __init__(self, folder, executable, properties=""):
        self.executable = executable
        self.home = os.path.join(folder, "home")
        os.makedirs(os.path.join(self.home, "shared"))
        with open(os.path.join(self.home, "shared", "perigee.properties"), "w") as file:
            file.write(
                "server.address=127.0.0.1\nserver.port=0\nplugin.ssh.enabled=false\nsetup.sysadmin.username=admin\n"
                f"setup.sysadmin.password={self.password}\n{properties}"
            )
        self.log = open(os.path.join(folder, "perigee.log"), "wb")
        process = subprocess.Popen(
            [executable, "serve", "--home", self.home], stdout=self.log, stderr=self.log,
            start_new_session=True,
        )
        self.processes = (process,)
        facts = os.path.join(self.home, "run", "node.json")
        wait_for(lambda: os.path.exists(facts) or process.poll() is not None, "perigee")
        with open(facts) as file:
            self.port = json.load(file)["httpPort"]
        self.rest("POST", "/rest/api/latest/projects", {"key": "BENCH", "name": "Bench", "public": True})
        self.count = 0

    def rest(self, method, target, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{target}",
            data=json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "Authorization": self.authorization()},
        )
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def authorization(self):
        import base64

        return "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()

    def make_repository(self, name, source):
        self.rest("POST", "/rest/api/latest/projects/BENCH/repos", {"name": name, "defaultBranch": "main"})
        git("push", "--quiet", "--mirror", self.url(name, write=True), cwd=source)
        self.count += 1
        git("repack", "-adq", cwd=os.path.join(self.home, "shared/data/repositories", str(self.count)))

    def url(self, name, write=False):
        who = f"admin:{self.password}@" if write else ""
        return f"http://{who}127.0.0.1:{self.port}{self.path(name)}"

    def path(self, name):
        return f"/scm/bench/{name}.git"


class Nginx(Server):
    """nginx, fcgiwrap with 8 workers, and git-http-backend, as git's own manual sets them up: everybody reads, and
    who pushes has a password. Repositories whose name begins with "open" take pushes from anybody."""

    name = "nginx"
    password = "bench-Passw0rd"

    def __init__(self, folder):
        self.root = os.path.join(folder, "peer")
        for name in ("", "repositories", "body", "fastcgi", "proxy", "uwsgi", "scgi"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        self.port = free_port()
        backend = os.path.join(git("--exec-path").decode().strip(), "git-http-backend")
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", self.password], capture_output=True, check=True).stdout.decode()
        with open(os.path.join(self.root, "passwords"), "w") as file:
            file.write(f"admin:{hashed}")
        with open(os.path.join(self.root, "nginx.conf"), "w") as file:
            file.write(CONFIGURATION.format(root=self.root, port=self.port, backend=backend))
        self.log = open(os.path.join(folder, "nginx.log"), "wb")
        fcgiwrap = subprocess.Popen(
            ["fcgiwrap", "-c", "8", "-s", f"unix:{self.root}/socket"],
            env=GIT_ENV, stdout=self.log, stderr=self.log, start_new_session=True,
        )
        self.processes = (fcgiwrap,)
        wait_for(lambda: os.path.exists(f"{self.root}/socket"), "fcgiwrap")
        os.chmod(f"{self.root}/socket", 0o777)
        nginx = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.root, "-c", f"{self.root}/nginx.conf"],
            stdout=self.log, stderr=self.log, start_new_session=True,
        )
        self.processes = (nginx, fcgiwrap)

        def serves():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(serves, "nginx")

    def make_repository(self, name, source, durable=True):
        path = os.path.join(self.root, "repositories", f"{name}.git")
        git("init", "--quiet", "--bare", "--initial-branch=main", path)
        if name.startswith("open"):
            git("config", "http.receivepack", "true", cwd=path)
        if durable:
            git("config", "core.fsync", "committed,reference", cwd=path)
            git("config", "receive.unpackLimit", "1", cwd=path)
        git("push", "--quiet", "--mirror", path, cwd=source)
        git("repack", "-adq", cwd=path)

    def url(self, name, write=False):
        who = f"admin:{self.password}@" if write and not name.startswith("open") else ""
        return f"http://{who}127.0.0.1:{self.port}{self.path(name)}"

    def path(self, name):
        return f"/{name}.git"


CONFIGURATION = """
daemon off;
user root;
worker_processes auto;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {root}/body;
    fastcgi_temp_path {root}/fastcgi;
    proxy_temp_path {root}/proxy;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    map "$uri $arg_service" $realm {{
        default off;
        "~^/open" off;
        "~git-receive-pack" "git";
    }}
    server {{
        listen 127.0.0.1:{port} backlog=512;
        auth_basic $realm;
        auth_basic_user_file {root}/passwords;
        location / {{
            fastcgi_pass unix:{root}/socket;
            fastcgi_buffering off;
            fastcgi_request_buffering off;
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param GIT_PROJECT_ROOT {root}/repositories;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param GIT_PROTOCOL $http_git_protocol;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param REMOTE_USER $remote_user;
        }}
    }}
}}
"""
