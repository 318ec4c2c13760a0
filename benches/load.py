#!/usr/bin/env python3
"""Loads the same generated order file with psql's \\copy and with quintile: CPU of client and backends, and memory.

    benches/load.py --quintile target/release/quintile --database-url postgresql://... --rows 1000000 --rows 10000000

CPU seconds and their ratio within one run are what to quote; walls depend on the machine's load. The server must run on
this machine, as a user whose processes we may look at, and should have autovacuum off: its backends are billed by what
the postmaster has waited for. psql copies into a table of the file's columns, quintile into raw.orders.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import sandbox

DATABASE = "quintile_load_bench"
TABLE = """
    CREATE TABLE copied (
        order_id text NOT NULL, customer_id text, ordered_at timestamptz NOT NULL, product_id text, category text,
        quantity numeric NOT NULL, unit_price numeric NOT NULL, discount numeric NOT NULL, channel text, country text
    )
"""
MAPPING = """
description = "made up for the race"
[file]
nulls = [""]
[defaults]
currency = "EUR"
timezone = "UTC"
[columns]
order_id = "order_id"
customer_id = "customer_id"
ordered_at = { column = "ordered_at", format = "%Y-%m-%d %H:%M:%S" }
product_id = "product_id"
category = "category"
quantity = "quantity"
unit_price = "unit_price"
discount = "discount"
channel = "channel"
country = "country"
"""


def main():
    arguments = parse_arguments()
    server = sandbox.Server(arguments.database_url)
    print("rows | bytes | who | client CPU s | backend CPU s | sum | ratio | peak RSS MB | wall s")
    with tempfile.TemporaryDirectory() as scratch:
        for rows in arguments.rows or [1_000_000]:
            file = Path(scratch, "orders.csv")
            write_orders(file, rows)
            race(server, arguments.quintile.absolute(), file, rows, arguments.rounds)
            file.unlink()


def race(server, quintile, file, rows, rounds):
    for _ in range(rounds):
        copied = bill(server, lambda: copy(server, file))
        loaded = bill(server, lambda: load(server, quintile, file))
        found = int(server.query("SELECT count(*) FROM raw.orders", DATABASE)[0])
        if found != rows:
            raise SystemExit(f"quintile loaded {found} of {rows} rows")
        base = copied[0].cpu_seconds + copied[1]
        for who, (run, backends) in (("psql", copied), ("quintile", loaded)):
            total = run.cpu_seconds + backends
            figures = [run.cpu_seconds, backends, total, total / base, run.peak_rss_mb, run.wall_seconds]
            cells = [f"{rows}", f"{file.stat().st_size}", who] + [f"{figure:.2f}" for figure in figures]
            print(" | ".join(cells), flush=True)


def copy(server, file):
    """The client program that everybody has; the table is there before."""
    server.create(DATABASE)
    server.query(TABLE, DATABASE)
    copying = f"\\copy copied FROM '{file}' (FORMAT csv, HEADER true)"
    return lambda: sandbox.run(["psql", "-Xq", "-d", server.url_of(DATABASE), "-c", copying], file.parent)


def load(server, quintile, file):
    """Quintile's own tables are there before, as psql's is."""
    server.create(DATABASE)
    sources = file.parent / "config" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "race.toml").write_text(MAPPING)
    base = [quintile, "--project-dir", file.parent, "--database-url", server.url_of(DATABASE)]
    prepared = sandbox.run(base + ["rejects"], file.parent)
    if prepared.exit_code:
        raise SystemExit(prepared.output)
    return lambda: sandbox.run(base + ["ingest", file, "--source", "race"], file.parent)


def bill(server, prepare):
    """Runs what `prepare` returns; its own bill, and the CPU seconds of the backends that it started."""
    run = prepare()
    before = waited_for(server)
    done = run()
    if done.exit_code:
        raise SystemExit(done.output)
    # A backend ends a moment after its client.
    time.sleep(1)
    return done, waited_for(server) - before


def waited_for(server):
    """CPU seconds of all processes that the postmaster has waited for. Our own question costs a hundredth."""
    folder = server.query("SHOW data_directory")[0]
    postmaster = Path(folder, "postmaster.pid").read_text().split()[0]
    # Fields after the name in brackets: state is the third, cutime and cstime are the sixteenth and seventeenth.
    fields = Path("/proc", postmaster, "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / 100


def write_orders(file, rows):
    """Orders of one to six lines that stand together, the same for every run."""
    dice = random.Random(7)
    written = order = 0
    with file.open("w") as out:
        out.write("order_id,customer_id,ordered_at,product_id,category,quantity,unit_price,discount,channel,country\n")
        while written < rows:
            order += 1
            day, second = dice.randrange(365), dice.randrange(86_400)
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_672_531_200 + day * 86_400 + second))
            head = f"{order},c{dice.randrange(rows // 20 + 1)},{at}"
            tail = f"{dice.choice(('0', '0', '0.1'))},{dice.choice(('web', 'shop'))},{dice.choice(('DE', 'FR', 'PL'))}"
            for _ in range(min(dice.randint(1, 6), rows - written)):
                price = f"{dice.randrange(1, 200)}.{dice.randrange(100):02}"
                product = dice.randrange(5_000)
                out.write(f"{head},p{product},category {product % 40},{dice.randint(1, 4)},{price},{tail}\n")
                written += 1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quintile", type=Path, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
