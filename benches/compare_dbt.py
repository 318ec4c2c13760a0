#!/usr/bin/env python3
"""Builds dbt projects with dbt-core and with quintile and tells every difference: nodes, results, relations, rows.

    benches/compare_dbt.py --quintile target/release/quintile --dbt venv/bin/dbt --database-url postgresql://... \
        --project jaffle-shop-classic --project dbt-utils/integration_tests

Each tool gets its own copy of the project and, one after the other, a fresh database of the same name, so that names
need no translation. The exit code is 1 if anything differs.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import sandbox

# What has to be equal in each node of the manifest.
NODE_FIELDS = [
    "resource_type", "package_name", "original_file_path", "name", "alias", "schema", "database", "fqn",
    "relation_name", "checksum", "tags", "refs", "sources", "config.materialized", "config.enabled", "config.severity",
    "config.unique_key", "description", "raw_code", "language", "version", "column_name", "test_metadata.name",
    "attached_node",
]  # fmt: skip
# Other collections of the manifest, compared by their keys.
COLLECTIONS = ["sources", "exposures", "metrics", "groups", "semantic_models", "saved_queries", "unit_tests"]
# Relations outside PostgreSQL's own schemas, with all that a model's configuration can give them. Indexes come without
# their names, because dbt makes those from the time of day.
RELATIONS = """
    SELECT n.nspname || '.' || c.relname, jsonb_build_object(
        'kind', c.relkind,
        'persistence', c.relpersistence,
        'comment', obj_description(c.oid, 'pg_class'),
        'privileges', (SELECT array_agg(p::text ORDER BY p::text) FROM unnest(c.relacl) AS p),
        'columns', (
            SELECT array_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attnotnull THEN 'not null' END, col_description(c.oid, a.attnum)) ORDER BY a.attnum)
            FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        'constraints', (
            SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY 1) FROM pg_constraint AS k WHERE k.conrelid = c.oid),
        'indexes', (
            SELECT array_agg(d ORDER BY d) FROM pg_index AS i
            CROSS JOIN regexp_replace(pg_get_indexdef(i.indexrelid), ' INDEX .* ON ', ' INDEX ON ') AS d
            WHERE i.indrelid = c.oid))
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^(pg_|information_schema$|quintile)'
"""


def main():
    arguments = parse_arguments()
    server = sandbox.Server(arguments.database_url)
    differences = 0
    for project in arguments.project:
        with tempfile.TemporaryDirectory(prefix="compare-dbt-") as scratch:
            found = compare_project(arguments, server, project, Path(scratch))
        differences += len(found)
        for line in found:
            print(f"  {line}")
        print(f"{project}: {len(found) or 'no'} differences")
    sys.exit(1 if differences else 0)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quintile", required=True, type=Path, help="the program under test")
    parser.add_argument("--dbt", required=True, type=Path, help="dbt-core, the reference")
    parser.add_argument("--project", required=True, type=Path, action="append", help="folder with a dbt_project.yml")
    parser.add_argument("--database-url", required=True, help="a server on which databases may be created")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1, help="number of builds; each sets the variable `round`")
    parser.add_argument(
        "--tolerate",
        action="append",
        default=[],
        metavar="SCHEMA.RELATION.COLUMN",
        help="a column whose values are of the moment (now(), random()): its rows are compared without it",
    )
    parser.add_argument("--skip-ls", action="store_true", help="leave out the comparison of selectors")
    return parser.parse_args()


def compare_project(arguments, server, project, scratch):
    """All differences of one project, each as a line."""
    database = f"compare_dbt_{os.getpid()}"
    tools = {"dbt": arguments.dbt.absolute(), "quintile": arguments.quintile.absolute()}
    sides = {}
    try:
        for tool, program in tools.items():
            server.create(database)
            sides[tool] = build(server, database, tool, program, project, scratch / tool, arguments)
            server.rename(database, f"{database}_{tool}")
        found = compare_results(sides) + compare_manifests(sides)
        found += compare_databases(server, database, tools, arguments.tolerate)
        found += [] if arguments.skip_ls else compare_selections(sides)
        nodes, results = (len(sides["dbt"][part]) for part in ("nodes", "results"))
        print(f"{project}: dbt has {nodes} nodes and {results} results")
        return found
    finally:
        for name in (database, *(f"{database}_{tool}" for tool in tools)):
            server.drop(name)


def build(server, database, tool, program, project, scratch, arguments):
    """Runs `deps` and `build`; returns the artifacts with what is needed to run more commands."""
    scratch.mkdir()
    folder = sandbox.copy_project(project, scratch)
    profiles = scratch / "profiles"
    profiles.mkdir()
    text = server.profile(sandbox.profile_name(folder), database, arguments.threads)
    (profiles / "profiles.yml").write_text(text)

    def command(name, *more):
        return sandbox.run([program, name, "--project-dir", folder, "--profiles-dir", profiles, *more], folder)

    if sandbox.has_packages(folder):
        command("deps")
    for number in range(arguments.rounds):
        done = command("build", *(["--vars", f"round: {number + 1}"] if arguments.rounds > 1 else []))
    try:
        manifest = json.loads((folder / "target/manifest.json").read_text())
        results = json.loads((folder / "target/run_results.json").read_text())["results"]
    except (OSError, ValueError) as problem:
        told = f"{tool} build left no artifacts ({problem}); exit code {done.exit_code}\n{done.output}"
        raise SystemExit(told) from None
    return {
        "exit_code": done.exit_code,
        "manifest": manifest,
        "nodes": manifest["nodes"],
        "results": {result["unique_id"]: result for result in results},
        "command": command,
    }


def compare_results(sides):
    found = unequal("exit code of build", *(side["exit_code"] for side in sides.values()))
    results = [side["results"] for side in sides.values()]
    found += keys("result", *results)
    for node in sorted(results[0].keys() & results[1].keys()):
        for field in ("status", "failures"):
            found += unequal(f"result {node}: {field}", *(side[node].get(field) for side in results))
    return found


def compare_manifests(sides):
    manifests = [side["manifest"] for side in sides.values()]
    nodes = [manifest["nodes"] for manifest in manifests]
    found = keys("node", *nodes)
    for collection in COLLECTIONS:
        found += keys(collection, *(manifest.get(collection, {}) for manifest in manifests))
    found += keys("disabled", *(manifest.get("disabled", {}) for manifest in manifests))
    for node in sorted(nodes[0].keys() & nodes[1].keys()):
        pair = [side[node] for side in nodes]
        for field in NODE_FIELDS:
            found += unequal(f"node {node}: {field}", *(dig(one, field) for one in pair))
        parents = (sorted(set(dig(one, "depends_on.nodes") or [])) for one in pair)
        found += unequal(f"node {node}: depends_on.nodes", *parents)
        found += unequal(f"node {node}: columns", *(sorted(dig(one, "columns") or {}) for one in pair))
    for map_name in ("parent_map", "child_map"):
        graphs = [{k: sorted(set(v)) for k, v in manifest.get(map_name, {}).items()} for manifest in manifests]
        for node in sorted(graphs[0].keys() & graphs[1].keys()):
            found += unequal(f"{map_name} {node}", *(graph[node] for graph in graphs))
    return found


def compare_databases(server, database, tools, tolerated):
    """Kind, columns, types and sorted rows of every relation."""
    names = [f"{database}_{tool}" for tool in tools]
    relations = []
    for name in names:
        lines = (line.split("\t", 1) for line in server.query(RELATIONS, name))
        relations.append({relation: json.loads(description) for relation, description in lines})
    found = keys("relation", *relations)
    for relation in sorted(relations[0].keys() & relations[1].keys()):
        for feature in relations[0][relation]:
            found += unequal(f"relation {relation}: {feature}", *(side[relation][feature] for side in relations))
        left_out = [column.removeprefix(relation + ".") for column in tolerated if column.startswith(relation + ".")]
        rows = [rows_of(server, name, relation, left_out) for name in names]
        if rows[0] != rows[1]:
            counts = " and ".join(str(len(side)) for side in rows)
            first = next(pair for pair in zip(rows[0] + [None], rows[1] + [None]) if pair[0] != pair[1])
            found.append(f"relation {relation}: rows differ ({counts}), first {first[0]!r} and {first[1]!r}")
    return found


def rows_of(server, database, relation, left_out):
    """Rows as JSON text, because it names the columns and tells NULL from an empty text."""
    schema, name = relation.split(".", 1)
    without = "".join(f" - '{column}'" for column in left_out)
    rows = server.query(f"""SELECT (to_jsonb(r){without})::text FROM "{schema}"."{name}" AS r""", database)
    return sorted(rows)


def compare_selections(sides):
    """`ls` for selectors of every method that the project can answer."""
    found = []
    for selector in selectors(sides["dbt"]["manifest"]):
        outputs = []
        for side in sides.values():
            done = side["command"]("ls", "--quiet", "--select", *selector)
            lines = [line for line in done.output.splitlines() if line and "[WARN" not in line.upper()]
            outputs.append((done.exit_code, sorted(lines)))
        found += unequal(f"ls --select {' '.join(selector)}", *outputs)
    return found


def selectors(manifest):
    """Lists of arguments: one of each method, about the model with most parents and children."""
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    weight = {key: len(manifest["parent_map"][key]) + len(manifest["child_map"][key]) for key in models}
    centre = models[max(sorted(models), key=weight.get)]
    name, folder = centre["name"], "/".join(centre["original_file_path"].split("/")[:-1])
    chosen = ["*", name, f"+{name}", f"{name}+", f"1+{name}+1", f"@{name}", f"{name[:4]}*", f"path:{folder}"]
    chosen += [f"fqn:{'.'.join(centre['fqn'])}", f"package:{centre['package_name']}", "source:*", "tag:nightly"]
    chosen += ["resource_type:seed", "test_type:generic", "test_type:singular", "config.materialized:view"]
    chosen += [f"+{name},resource_type:test"]
    several = [[name, "resource_type:seed"], ["*", "--exclude", name], ["*", "--resource-type", "test"]]
    return [[one] for one in chosen] + several


def dig(value, path):
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def keys(what, left, right):
    """Names that only one of two dictionaries has."""
    only = [f"{what} {name} is only in dbt's" for name in sorted(left.keys() - right.keys())]
    return only + [f"{what} {name} is only in quintile's" for name in sorted(right.keys() - left.keys())]


def unequal(what, left, right):
    """A line if the two differ: dbt's first, and long values cut."""
    if left == right:
        return []
    shown = [text if len(text) < 400 else text[:400] + "..." for text in (repr(left), repr(right))]
    return [f"{what}: dbt {shown[0]}, quintile {shown[1]}"]


if __name__ == "__main__":
    main()
