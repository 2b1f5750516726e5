"""The SSH servers that are compared: Perigee, and OpenSSH's sshd with git-shell on copies of the same repositories."""

import json
import os
import pwd
import shutil
import subprocess
import time
import urllib.request

from servers import GIT_ENV, Server, free_port, git, wait_for


class Client:
    """A key pair, and the ssh command line of every measurement."""

    def __init__(self, folder):
        self.key = os.path.join(folder, "id_ed25519")
        self.known = os.path.join(folder, "known_hosts")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        with open(self.key + ".pub") as file:
            self.public = file.read().strip()

    def command(self, *options):
        return [
            "ssh", "-F", "none", "-i", self.key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
            "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={self.known}", "-o", "LogLevel=ERROR",
            *options,
        ]

    def environment(self, *options):
        return {**GIT_ENV, "GIT_SSH_COMMAND": " ".join(self.command(*options))}


class Perigee(Server):
    name = "perigee"
    password = "bench-Passw0rd"
    user = "git"

    def __init__(self, folder, executable, client):
        self.home = os.path.join(folder, "home")
        os.makedirs(os.path.join(self.home, "shared"))
        with open(os.path.join(self.home, "shared", "perigee.properties"), "w") as file:
            file.write(
                "server.address=127.0.0.1\nserver.port=0\nplugin.ssh.port=0\nplugin.ssh.session.max=2000\n"
                "plugin.ssh.session.unauthenticated.max=2000\nplugin.ssh.session.address.max=2000\n"
                f"setup.sysadmin.username=admin\nsetup.sysadmin.password={self.password}\n"
            )
        self.log = open(os.path.join(folder, "perigee.log"), "wb")
        process = subprocess.Popen(
            [executable, "serve", "--home", self.home], stdout=self.log, stderr=self.log, start_new_session=True)
        self.processes = (process,)
        facts = os.path.join(self.home, "run", "node.json")
        wait_for(lambda: os.path.exists(facts) or process.poll() is not None, "perigee", seconds=60)
        with open(facts) as file:
            known = json.load(file)
        self.http, self.port = known["httpPort"], known["sshPort"]
        self.rest("POST", "/rest/api/latest/projects", {"key": "BENCH", "name": "Bench"})
        self.rest("POST", "/rest/ssh/latest/keys", {"text": client.public})
        self.count = 0

    def rest(self, method, target, body):
        import base64

        word = base64.b64encode(f"admin:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{target}", data=json.dumps(body).encode(), method=method,
            headers={"Content-Type": "application/json", "Authorization": f"Basic {word}"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def make_repository(self, name, source):
        self.rest("POST", "/rest/api/latest/projects/BENCH/repos", {"name": name, "defaultBranch": "main"})
        if source:
            url = f"http://admin:{self.password}@127.0.0.1:{self.http}/scm/bench/{name}.git"
            git("push", "--quiet", "--mirror", url, cwd=source)
        self.count += 1
        git("repack", "-adq", cwd=os.path.join(self.home, "shared/data/repositories", str(self.count)))

    def url(self, name):
        return f"ssh://git@127.0.0.1:{self.port}/bench/{name}.git"

    def path(self, name):
        return f"/bench/{name}.git"


class OpenSSH(Server):
    """sshd and git-shell, tuned as fairly as its configuration lets one: no PAM, no DNS, no reverse look-up, no
    message of the day, keys in a file, a forced command without a shell's start files (bash reads ~/.bashrc for sshd
    unless SHLVL says that it is not the first), as many logins at a time as come. The account is the one that runs the bench, as sshd lets no other in unless it is root."""

    name = "sshd"

    def __init__(self, folder, client):
        self.root = os.path.join(folder, "sshd")
        os.makedirs(self.root, mode=0o755)
        self.repositories = os.path.join(self.root, "repositories")
        os.makedirs(self.repositories)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.port = free_port()
        for kind in ("ed25519",):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", f"{self.root}/host_{kind}"], check=True)
        shell = shutil.which("git-shell") or "/usr/bin/git-shell"
        with open(f"{self.root}/authorized_keys", "w") as file:
            file.write(f'restrict,command="{shell} -c \\"$SSH_ORIGINAL_COMMAND\\"" {client.public}\n')
        with open(f"{self.root}/sshd_config", "w") as file:
            file.write(CONFIGURATION.format(root=self.root, port=self.port))
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True) if os.getuid() == 0 else None
        self.log = open(os.path.join(folder, "sshd.log"), "wb")
        process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", f"{self.root}/sshd_config"], stdout=self.log, stderr=self.log,
            start_new_session=True)
        self.processes = (process,)
        time.sleep(0.5)
        if process.poll() is not None:
            raise RuntimeError("sshd ended; see sshd.log")

    def make_repository(self, name, source):
        path = os.path.join(self.repositories, f"{name}.git")
        git("init", "--quiet", "--bare", "--initial-branch=main", path)
        # As durable as the other side.
        git("config", "core.fsync", "committed,reference", cwd=path)
        git("config", "receive.unpackLimit", "1", cwd=path)
        if source:
            git("push", "--quiet", "--mirror", path, cwd=source)
        git("repack", "-adq", cwd=path)

    def url(self, name):
        return f"ssh://{self.user}@127.0.0.1:{self.port}{self.path(name)}"

    def path(self, name):
        return f"{self.repositories}/{name}.git"


CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {root}/host_ed25519
PidFile {root}/pid
AuthorizedKeysFile {root}/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
PermitUserRC no
X11Forwarding no
Compression no
AcceptEnv GIT_PROTOCOL
SetEnv SHLVL=2
MaxStartups 1000:30:2000
MaxSessions 1000
LogLevel ERROR
"""
