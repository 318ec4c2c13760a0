#!/usr/bin/env python3
"""Loads the same generated orders as CSV, gzip, zstd and Parquet: CPU of client and backends, and memory.

    benches/load_formats.py --quintile target/release/quintile --database-url postgresql://... --customers 55000

The server is the one that benches/load.py needs. Each format goes into a database of its own; gzip and zstd have to be
installed. zstd-19 has the window of 8 MiB that its reader must hold, and is the worst case for memory.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import load
import sandbox

SOURCE = "generated"
MAPPING = Path(__file__).parent.parent / "config" / "sources" / f"{SOURCE}.toml"
PACKERS = {"gzip": ["gzip", "-6"], "zstd": ["zstd", "-3"], "zstd-19": ["zstd", "-19"]}
FORMATS = ["csv", *PACKERS, "parquet"]


def main():
    arguments = parse_arguments()
    server = sandbox.Server(arguments.database_url)
    quintile = arguments.quintile.absolute()
    print("format | rows | bytes | client CPU s | backend CPU s | peak RSS MB | wall s")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        generated = {kind: generate(quintile, scratch, kind, arguments.customers) for kind in ("csv", "parquet")}
        (scratch / "config" / "sources").mkdir(parents=True)
        (scratch / "config" / "sources" / MAPPING.name).write_text(MAPPING.read_text())
        expected = None
        for name in arguments.format or FORMATS:
            file = generated["parquet" if name == "parquet" else "csv"]
            if name in PACKERS:
                file = pack(file, name)
            run, backends = load.bill(server, lambda: ingest(server, quintile, file, scratch))
            facts = server.query("SELECT count(*), sum(quantity * unit_price * (1 - discount)) FROM raw.orders", load.DATABASE)
            # Formats that give other rows are not worth comparing.
            expected = expected or facts
            if facts != expected:
                raise SystemExit(f"{name} gave {facts}, and the first format {expected}")
            rows = facts[0].split("\t")[0]
            figures = [run.cpu_seconds, backends, run.peak_rss_mb, run.wall_seconds]
            print(" | ".join([name, rows, f"{file.stat().st_size}"] + [f"{figure:.2f}" for figure in figures]), flush=True)


def generate(quintile, scratch, kind, customers):
    """The orders of the same shop in one of the formats that the program writes."""
    folder = scratch / kind
    command = [quintile, "generate", "--customers", customers, "--out", folder, "--file-format", kind]
    done = sandbox.run(command, scratch)
    if done.exit_code:
        raise SystemExit(done.output)
    return folder / f"orders.{kind}"


def pack(file, name):
    packed = file.with_name(f"orders.{name}")
    with packed.open("wb") as out:
        subprocess.run([*PACKERS[name], "-c", file], stdout=out, check=True)
    return packed


def ingest(server, quintile, file, project):
    """Quintile's own tables are there before, as in the race against psql."""
    server.create(load.DATABASE)
    base = [quintile, "--project-dir", project, "--database-url", server.url_of(load.DATABASE)]
    prepared = sandbox.run(base + ["rejects"], project)
    if prepared.exit_code:
        raise SystemExit(prepared.output)
    return lambda: sandbox.run(base + ["ingest", file, "--source", SOURCE], project)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quintile", type=Path, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--customers", type=int, default=55_000, help="each has about 18 order lines")
    parser.add_argument("--format", action="append", choices=FORMATS, help="all, unless some are named")
    return parser.parse_args()


if __name__ == "__main__":
    main()
