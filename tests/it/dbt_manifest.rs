//! The manifest of a project of every kind of resource, read by our parser, equals the one that dbt-core wrote for it.

use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROFILE: &str = "every:
  target: dev
  outputs:
    dev: {type: postgres, host: 127.0.0.1, port: 5432, user: u, password: p, dbname: d, schema: s, threads: 1}
";

/// Keys whose values are of the moment.
const OF_THE_MOMENT: [&str; 2] = ["created_at", "root_path"];

/// Sections of the manifest; `metadata` is of the invocation.
const SECTIONS: [&str; 13] = [
    "nodes",
    "sources",
    "macros",
    "docs",
    "exposures",
    "metrics",
    "groups",
    "selectors",
    "disabled",
    "saved_queries",
    "semantic_models",
    "unit_tests",
    "functions",
];

#[test]
fn our_parser_and_dbt_s_say_the_same_of_every_resource() {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&fixtures().join("project"), folder.path());
    fs::write(folder.path().join("profiles.yml"), PROFILE).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_quintile"))
        .arg("parse")
        .args([Path::new("--project-dir"), folder.path(), Path::new("--profiles-dir"), folder.path()])
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = json_file(&folder.path().join("target/manifest.json"));
    let mut dbts = json_file(&fixtures().join("dbt/manifest.json"));
    // dbt mixes the configuration of models into that of groups.
    dbts["groups"]["group.every.finance"]["config"] = json!({"meta": {"floor": 3}});
    let mut told = Vec::new();
    for section in SECTIONS {
        let mut ours = ours[section].clone();
        // The macros and docs of the program itself have texts of their own.
        if let Some(entries) = ours.as_object_mut().filter(|_| matches!(section, "macros" | "docs")) {
            entries.retain(|id, _| id.split('.').nth(1) == Some("every"));
        }
        differences(section, &ours, &dbts[section], &mut told);
    }
    for map in ["parent_map", "child_map", "group_map"] {
        differences(map, &sorted(&ours[map]), &sorted(&dbts[map]), &mut told);
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/artifacts")
}

fn json_file(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).expect("copied");
        }
    }
}

/// The path of every value that differs, with both values.
fn differences(path: &str, ours: &Json, dbts: &Json, told: &mut Vec<String>) {
    let (Some(mine), Some(theirs)) = (ours.as_object(), dbts.as_object()) else {
        let lists = (ours.as_array(), dbts.as_array());
        if let (Some(mine), Some(theirs)) = lists
            && mine.len() == theirs.len()
        {
            for (number, (ours, dbts)) in mine.iter().zip(theirs).enumerate() {
                differences(&format!("{path}[{number}]"), ours, dbts, told);
            }
        } else if ours != dbts {
            told.push(format!("{path}: {ours} instead of {dbts}"));
        }
        return;
    };
    for (key, dbts) in theirs.iter().filter(|(key, _)| !OF_THE_MOMENT.contains(&key.as_str())) {
        match mine.get(key) {
            Some(ours) => differences(&format!("{path}.{key}"), ours, dbts, told),
            None => told.push(format!("{path}.{key} is missing")),
        }
    }
    let added = mine.keys().filter(|key| !theirs.contains_key(*key) && !OF_THE_MOMENT.contains(&key.as_str()));
    told.extend(added.map(|key| format!("{path}.{key} is not in dbt's")));
}

/// Lists of ids in order: dbt's own order is that of its threads.
fn sorted(map: &Json) -> Json {
    let list = |ids: &Json| {
        let mut ids: Vec<&str> = ids.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        ids.sort_unstable();
        json!(ids)
    };
    map.as_object().into_iter().flatten().map(|(id, ids)| (id.clone(), list(ids))).collect()
}
