#!/usr/bin/env python3
"""Races dbt-core, quintile and dbt Fusion over generated view models: CPU, wall, memory, and what PostgreSQL pays.

    benches/race_dbt.py --models 500 --database-url postgresql://... --dbt venv/bin/dbt --quintile bin/quintile

The models form a tree of fan-out 10 without tests. Walls depend on the machine's load; the ratios, taken within one
run of this script, and the CPU seconds are what to quote. `--project DIR` races an existing project instead, and
`--parse` leaves out the steps that need minutes with thousands of models.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
from pathlib import Path

import sandbox

TOOLS = ["dbt", "quintile", "fusion"]
FAN_OUT = 10
# Steps in order: the build fills a new database, the run comes upon relations that are there and whose SQL is the same.
STEPS = {
    "parse cold": ["parse"],
    "parse warm": ["parse"],
    "build new": ["build"],
    "run again": ["run"],
}
MEASURES = ["CPU s", "wall s", "RSS MB", "PG CPU s", "backends"]


def main():
    arguments = parse_arguments()
    server = sandbox.Server(arguments.database_url)
    tools = {name: path.absolute() for name, path in vars(arguments).items() if name in TOOLS and path}
    if not tools:
        raise SystemExit(f"no tool to race: name at least one of {', '.join('--' + name for name in TOOLS)}")
    table = {tool: {step: [] for step in STEPS} for tool in tools}
    with tempfile.TemporaryDirectory(prefix="race-dbt-") as scratch:
        racers = {tool: Racer(tool, program, arguments, server, Path(scratch)) for tool, program in tools.items()}
        try:
            # In turn, so that a burst of other load hits every tool alike.
            for _ in range(arguments.repeat):
                for step in steps(arguments):
                    for tool, racer in racers.items():
                        table[tool][step].append(racer.measure(step))
        finally:
            for racer in racers.values():
                server.drop(racer.database)
    print_table(arguments, table)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for tool in TOOLS:
        parser.add_argument(f"--{tool}", type=Path, metavar="PROGRAM")
    work = parser.add_mutually_exclusive_group(required=True)
    work.add_argument("--models", type=int, help="number of views to generate")
    work.add_argument("--project", type=Path, help="folder with a dbt_project.yml")
    parser.add_argument("--database-url", required=True, help="a server on which databases may be created")
    parser.add_argument("--parse", action="store_true", help="only read the project, build nothing")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the table shows medians")
    return parser.parse_args()


def steps(arguments):
    return [step for step in STEPS if STEPS[step] == ["parse"] or not arguments.parse]


class Racer:
    """One tool with its own copy of the project and its own database."""

    def __init__(self, tool, program, arguments, server, scratch):
        self.tool, self.program, self.server = tool, program, server
        self.database = f"race_dbt_{os.getpid()}_{tool}"
        home = scratch / tool
        home.mkdir()
        if arguments.project:
            self.folder = sandbox.copy_project(arguments.project, home)
        else:
            self.folder = generate(arguments.models, home / "project")
        self.profiles = home / "profiles"
        self.profiles.mkdir()
        profile = server.profile(sandbox.profile_name(self.folder), self.database, arguments.threads)
        (self.profiles / "profiles.yml").write_text(profile)
        if sandbox.has_packages(self.folder):
            self.command("deps")

    def command(self, *arguments):
        command = [self.program, *arguments, "--project-dir", self.folder, "--profiles-dir", self.profiles]
        return sandbox.run(command, self.folder)

    def measure(self, step):
        """One step as a tuple in the order of MEASURES."""
        if step == "parse cold":
            shutil.rmtree(self.folder / "target", ignore_errors=True)
            self.server.create(self.database)
        with Watch(self.server, self.database) as watch:
            done = self.command(*STEPS[step])
        if done.exit_code != 0:
            raise SystemExit(f"{self.tool} {step} failed with exit code {done.exit_code}\n{done.output[-4000:]}")
        return done.cpu_seconds, done.wall_seconds, done.peak_rss_mb, watch.cpu_seconds, watch.most


class Watch:
    """What a tool costs the server, seen from one session that stays open, so that it is not in the bill itself.

    The kernel adds a process's CPU time to its parent's once it has ended: the postmaster's share of ended children
    grows by what the tool's backends used. That figure is read through SQL and needs the right to read server files.
    """

    def __init__(self, server, database):
        self.database, self.most, self.cpu_seconds = database, 0, None
        self.done = threading.Event()
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=0", "-d", server.url]
        pipe = subprocess.PIPE
        self.psql = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.thread = threading.Thread(target=self._look, daemon=True)

    def _ask(self, sql):
        """One value; the marker line is there even where the query failed."""
        self.psql.stdin.write(f"{sql};\n\\echo .\n")
        self.psql.stdin.flush()
        value = None
        while (line := self.psql.stdout.readline().strip()) != ".":
            if not line and self.psql.poll() is not None:
                raise SystemExit("psql ended while it watched the server")
            # A file ends in a line break, which would be an empty second line.
            value = line or value
        return value

    def _backends(self):
        return int(self._ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.database}'"))

    def _ended_children(self):
        """Seconds of CPU of the postmaster's ended children, or none where it cannot be read."""
        postmaster = "split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"
        fields = self._ask(f"SELECT pg_read_file('/proc/' || {postmaster} || '/stat', 0, 4096, true)")
        if not fields:
            return None
        # The name in parentheses may hold blanks; cutime and cstime are the 14th and 15th fields behind it.
        ticks = fields.rpartition(")")[2].split()
        return (int(ticks[13]) + int(ticks[14])) / os.sysconf("SC_CLK_TCK")

    def _look(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self._backends())

    def __enter__(self):
        self.before = self._ended_children()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        while self._backends():
            self.done.wait(0.01)
        after = self._ended_children()
        if after is not None and self.before is not None:
            self.cpu_seconds = after - self.before
        self.psql.stdin.close()
        self.psql.wait()


def generate(models, folder):
    """A project of views, each over the one that is the tenth of its number: a tree of fan-out 10."""
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: race\nversion: '1.0'\nconfig-version: 2\nprofile: race\nmodels: {race: {+materialized: view}}\n"
    )
    for number in range(models):
        parent = f"{{{{ ref('model_{(number - 1) // FAN_OUT}') }}}}"
        sql = f"select id + 1 as id, name\nfrom {parent}\n" if number else "select 1 as id, 'a' as name\n"
        (folder / f"models/model_{number}.sql").write_text(sql)
    return folder


def print_table(arguments, table):
    """Medians, and how many times the CPU of the thriftiest tool each takes."""
    what = arguments.project or f"{arguments.models} view models"
    print(f"{what}, {arguments.threads} threads, median of {arguments.repeat}")
    print(f"{'step':<12}{'tool':<10}" + "".join(f"{measure:>10}" for measure in MEASURES) + f"{'CPU ratio':>11}")
    for step in steps(arguments):
        best = min(statistics.median(run[0] for run in runs[step]) for runs in table.values())
        for tool, runs in table.items():
            medians = [median(run[place] for run in runs[step]) for place in range(len(MEASURES))]
            cells = "".join(f"{'-' if value is None else format(value, '.2f'):>10}" for value in medians)
            print(f"{step:<12}{tool:<10}{cells}{medians[0] / best:>10.1f}x")


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


if __name__ == "__main__":
    main()
