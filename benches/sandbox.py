"""What both comparisons stand on: a copy of a project, a database and a profile of its own, a process and its bill."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMA = "analytics"
IGNORED = shutil.ignore_patterns(".git", "target", "logs", "dbt_packages", "dbt_modules", "package-lock.yml")


@dataclass
class Run:
    """A finished process with all of its children."""

    exit_code: int
    output: str
    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: float


class Server:
    """The PostgreSQL server of a URL, spoken to through psql so that no driver is needed."""

    def __init__(self, url):
        self.url = url
        self.parts = urlsplit(url)

    def url_of(self, database):
        return self.parts._replace(path=f"/{database}").geturl()

    def query(self, sql, database=None):
        """The answer's lines, unaligned, columns separated by a tab."""
        url = self.url_of(database) if database else self.url
        command = ["psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"psql failed: {done.stderr.strip()}\n{sql}")
        return done.stdout.splitlines()

    def create(self, database):
        self.drop(database)
        self.query(f'CREATE DATABASE "{database}" TEMPLATE template0')

    def drop(self, database):
        self.query(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def rename(self, database, to):
        self.drop(to)
        self.query(f'ALTER DATABASE "{database}" RENAME TO "{to}"')

    def profile(self, name, database, threads):
        """profiles.yml for one target. Values are quoted as JSON, which YAML reads as well."""
        fields = {
            "type": "postgres",
            "host": unquote(self.parts.hostname or "localhost"),
            "port": self.parts.port or 5432,
            "user": unquote(self.parts.username or "postgres"),
            "password": unquote(self.parts.password or "none"),
            "dbname": database,
            "schema": SCHEMA,
            "threads": threads,
        }
        lines = [f"{name}:", "  target: postgres", "  outputs:", "    postgres:"]
        for key, value in fields.items():
            lines.append(f'      {key}: {value if isinstance(value, int) else _quoted(value)}')
        return "\n".join(lines) + "\n"


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def profile_name(project):
    """The profile that a dbt_project.yml asks for."""
    text = (project / "dbt_project.yml").read_text()
    found = re.search(r"^profile:\s*['\"]?([\w-]+)", text, re.MULTILINE)
    if not found:
        raise SystemExit(f"{project / 'dbt_project.yml'} names no profile")
    return found[1]


def has_packages(project):
    return any((project / name).exists() for name in ("packages.yml", "dependencies.yml"))


def copy_project(project, scratch):
    """Copies a project together with the local packages that lie beside or above it; returns the copy's folder."""
    project = project.resolve()
    folders = [project]
    for name in ("packages.yml", "dependencies.yml"):
        file = project / name
        if file.exists():
            for local in re.findall(r"^\s*-?\s*local:\s*['\"]?([^'\"\s#]+)", file.read_text(), re.MULTILINE):
                folders.append((project / local).resolve())
    root = Path(os.path.commonpath(folders))
    copy = scratch / root.name
    shutil.copytree(root, copy, ignore=IGNORED, symlinks=True)
    return copy / project.relative_to(root)


def run(command, folder, environment=None):
    """Runs to the end and asks the kernel what the process and all its children used."""
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # wait4 counts a child's own children only once they are waited for, which every tool here does.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Run(process.returncode, text, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)
