//! The rules of the house, held by reading the source: each message names file, line, rule and reason.

use std::collections::BTreeMap;
use std::path::Path;

/// What each module may use; arrows point down only, so that a part can be understood and tested without those above it.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("error", &[]),
    ("crash_point", &["error"]),
    ("config", &["error"]),
    ("project", &["error"]),
    ("analytics", &["error"]),
    ("warehouse", &["config", "project", "analytics", "crash_point", "error"]),
    ("ingest", &["warehouse", "analytics", "project", "config", "error"]),
    ("pipeline", &["ingest", "warehouse", "analytics", "project", "config", "crash_point", "error"]),
    ("serve", &["pipeline", "warehouse", "config", "crash_point", "error"]),
    ("embedded", &["config", "error"]),
    (
        "cli",
        &[
            "error",
            "crash_point",
            "config",
            "project",
            "analytics",
            "warehouse",
            "ingest",
            "pipeline",
            "serve",
            "embedded",
        ],
    ),
];

/// Words that only some modules may name: the words, the modules, the reason.
const RESERVED: [(&[&str], &[&str], &str); 6] = [
    (
        &["tokio_postgres", "deadpool_postgres", "refinery", "refinery_core"],
        &["warehouse"],
        "one module speaks PostgreSQL, so that faults, TLS and sessions are handled in one place",
    ),
    (
        &["std::env", "env::var", "env::vars", "env::var_os"],
        &["config"],
        "one module reads the environment, so that every setting is checked and documented",
    ),
    (
        &["Utc::now", "Local::now", "SystemTime::now"],
        &["cli", "serve"],
        "the instant is handed down, so that a run can be repeated",
    ),
    (
        &["println!", "eprintln!", "print!", "eprint!", "io::stdout", "io::stderr"],
        &["cli"],
        "data goes to stdout and all else to stderr, through cli only",
    ),
    (&["std::fs", "tokio::fs", "std::net", "std::process", "tokio", "Instant::now"], NOT_PURE, PURE_REASON),
    (
        &["thread_rng", "from_entropy", "from_os_rng", "rand::random"],
        &[],
        "randomness is seeded, so that every number can be repeated",
    ),
];

/// All modules but the pure ones.
const NOT_PURE: &[&str] =
    &["main", "lib", "config", "warehouse", "ingest", "pipeline", "serve", "cli", "embedded", "crash_point"];
const PURE_REASON: &str = "project and analytics are pure: text and arrays in, values out";

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "types", "misc", "shared"];

/// Past this a file holds more than one idea.
const LINES_MAX: usize = 500;

/// A source file: path with slashes, relative to the repository, and its text.
type Source = (String, String);

/// Every breach in `files`, as `file:line: what: why`.
fn breaches(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let code = code_of(text);
        look_of_file(path, text, &mut found);
        is_declared(path, files, &mut found);
        if let Some(within) = path.strip_prefix("src/") {
            let module = within.split(['/', '.']).next().unwrap_or_default();
            let is_test_file = path.ends_with("tests.rs");
            let code = if is_test_file { String::new() } else { without_tests(&code) };
            arrows(path, module, &code, &mut found);
            reserved_words(path, module, &code, &mut found);
        }
    }
    found.sort();
    found
}

/// First line, length, name, and no marks of unfinished work.
fn look_of_file(path: &str, text: &str, found: &mut Vec<String>) {
    if !text.starts_with("//! ") {
        found.push(format!(
            "{path}:1: does not open with a //! sentence: a reader must learn first what the file is for"
        ));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{path}:{lines}: is longer than {LINES_MAX} lines: split it by idea"));
    }
    if path == "src/main.rs" && lines > 40 {
        found.push(format!("{path}:{lines}: is longer than 40 lines: main only starts cli"));
    }
    for part in path.split(['/', '.']) {
        if EMPTY_NAMES.contains(&part) {
            found.push(format!("{path}:1: is named \"{part}\": such a name says nothing and gathers everything"));
        }
    }
    for (number, line) in text.lines().enumerate() {
        for mark in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")] {
            if words(line, mark) {
                found.push(format!("{path}:{}: has \"{mark}\": unfinished work is not committed", number + 1));
            }
        }
    }
}

/// A file that no `mod` line names is never compiled.
fn is_declared(path: &str, files: &[Source], found: &mut Vec<String>) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if ["src/main.rs", "src/lib.rs", "tests/it/main.rs"].contains(&path) {
        return;
    }
    let (folder, module) = match name {
        "mod.rs" => folder.rsplit_once('/').unwrap_or(("", folder)),
        _ => (folder, name.trim_end_matches(".rs")),
    };
    let parents =
        [format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}/mod.rs"), format!("{folder}.rs")];
    let is_named = files.iter().filter(|(path, _)| parents.contains(path)).any(|(_, text)| {
        code_of(text).lines().any(|line| {
            let line = line.trim().trim_end_matches('{').trim_end();
            line.strip_suffix(';')
                .and_then(|line| line.rsplit_once("mod "))
                .is_some_and(|(_, declared)| declared.trim() == module)
        })
    });
    // A test module too long for its file stands beside it, declared with a path.
    let by_path = format!("#[path = \"{name}\"]");
    let is_beside = files.iter().any(|(other, text)| {
        other.rsplit_once('/').is_some_and(|(f, _)| path.starts_with(f)) && text.contains(&by_path)
    });
    if !is_named && !is_beside {
        found.push(format!("{path}:1: is declared by no mod line: it is never compiled"));
    }
}

fn arrows(path: &str, module: &str, code: &str, found: &mut Vec<String>) {
    if module == "main" {
        for (line, used) in paths_after(code, "quintile::") {
            if used != "cli" {
                found.push(format!("{path}:{line}: main uses quintile::{used}: main only starts cli"));
            }
        }
        return;
    }
    if module == "lib" {
        return;
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
        found.push(format!(
            "{path}:1: module \"{module}\" has no row in the table of tests/it/tidy.rs: say there what it may use"
        ));
        return;
    };
    let mut used = paths_after(code, "crate::");
    let depth = path.trim_start_matches("src/").trim_end_matches("/mod.rs").matches('/').count() + 1;
    used.extend(paths_after(code, &"super::".repeat(depth)));
    for (line, used) in used {
        let is_module = MAY_USE.iter().any(|(name, _)| *name == used);
        if is_module && used != module && !allowed.contains(&&*used) {
            found.push(format!(
                "{path}:{line}: {module} uses crate::{used}: arrows point down, and {module} may use only {allowed:?}"
            ));
        }
    }
}

fn reserved_words(path: &str, module: &str, code: &str, found: &mut Vec<String>) {
    for (number, line) in code.lines().enumerate() {
        for (reserved, modules, reason) in RESERVED {
            let named = reserved.iter().find(|word| !modules.contains(&module) && words(line, word));
            if let Some(word) = named {
                found.push(format!("{path}:{}: {module} names {word}: {reason}", number + 1));
            }
        }
    }
}

/// Whether `line` holds `word`, not as part of a longer name.
fn words(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let is_part = before.is_some_and(is_name) || (word.ends_with(is_name) && after.is_some_and(is_name));
        !is_part
    })
}

/// The first names after each `root` (`crate::`), with their lines; `root{a, b::c}` gives both.
fn paths_after(code: &str, root: &str) -> Vec<(usize, String)> {
    let name_at =
        |text: &str| -> String { text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = Vec::new();
    for (start, _) in code.match_indices(root) {
        let is_longer = code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if is_longer {
            continue;
        }
        let line = code[..start].matches('\n').count() + 1;
        let rest = &code[start + root.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push((line, name_at(rest)));
            continue;
        };
        let mut depth = 1;
        let first = group.len() - group.trim_start().len();
        found.push((line + group[..first].matches('\n').count(), name_at(group)));
        for (place, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    let after = &group[place + 1..];
                    let name_start = place + 1 + after.len() - after.trim_start().len();
                    found.push((line + group[..name_start].matches('\n').count(), name_at(after)));
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.retain(|(_, name)| !name.is_empty() && name != "super");
    found
}

/// The code up to the unit tests at the end of a file, which may read files and clocks.
fn without_tests(code: &str) -> String {
    let end = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..end].to_owned()
}

/// The text with comments and the insides of string literals blanked; lines stay where they are.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => {
                rest.windows(2).skip(2).position(|pair| pair == ['*', '/']).map_or(rest.len(), |end| end + 4)
            }
            ['"', ..] => string_length(rest),
            ['r', '"' | '#', ..] if !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                raw_string_length(rest)
            }
            ['\'', '\\', ..] => rest.iter().skip(3).position(|c| *c == '\'').map_or(1, |end| end + 4),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if length == 0 {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(rest[..length].iter().map(|c| blank(*c)));
            at += length;
        }
    }
    code
}

fn string_length(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Zero when this is no raw string (`r#type` is a name).
fn raw_string_length(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &rest[2 + hashes..];
    body.windows(end.len()).position(|window| window == end).map_or(rest.len(), |place| 2 + hashes + place + end.len())
}

fn read_sources(folder: &Path, root: &Path, files: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_sources(&path, root, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("within").to_string_lossy().replace('\\', "/");
            files.push((name, std::fs::read_to_string(&path).expect("text")));
        }
    }
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    read_sources(&root.join("src"), root, &mut files);
    read_sources(&root.join("tests/it"), root, &mut files);
    assert!(files.len() > 20, "the sources are found");
    let found = breaches(&files);
    assert!(found.is_empty(), "{} breaches of the house rules:\n{}", found.len(), found.join("\n"));
}

/// Breaches of a planted file; the files around it are in order.
fn planted(path: &str, text: &str) -> Vec<String> {
    let mut files: BTreeMap<String, String> = BTreeMap::from([
        (
            "src/lib.rs".into(),
            "//! Map.\npub mod analytics;\npub mod project;\npub mod serve;\npub mod util;\npub mod config;\n".into(),
        ),
        ("src/analytics/mod.rs".into(), "//! Pure.\nmod scale;\n".into()),
    ]);
    files.insert(path.into(), text.into());
    breaches(&files.into_iter().collect::<Vec<_>>()).into_iter().filter(|breach| breach.starts_with(path)).collect()
}

#[track_caller]
fn assert_breach(path: &str, text: &str, line: usize, told: &str) {
    let found = planted(path, text);
    let start = format!("{path}:{line}: ");
    assert!(
        found.len() == 1 && found[0].starts_with(&start) && found[0].contains(told),
        "{told:?} expected, told: {found:#?}"
    );
}

#[test]
fn planted_arrows_are_found() {
    let file = "src/analytics/scale.rs";
    assert_breach(file, "//! S.\n\nuse crate::config::Settings;\n", 3, "analytics uses crate::config");
    assert_breach(
        file,
        "//! S.\nuse crate::{\n    error::Error,\n    warehouse::{Frame, x},\n};\n",
        4,
        "crate::warehouse",
    );
    assert_breach(file, "//! S.\nfn f() { super::super::project::g() }\n", 2, "crate::project");
    assert_breach("src/analytics/mod.rs", "//! S.\nmod scale;\nuse super::cli;\n", 3, "crate::cli");
    assert_breach("src/serve/mod.rs", "//! S.\nuse crate::cli::x;\n", 2, "serve uses crate::cli");
    assert_breach("src/main.rs", "//! S.\nuse quintile::{cli, config};\n", 2, "main uses quintile::config");
    assert_breach("src/main.rs", &format!("//! S.{}", "\n".repeat(41)), 41, "main only starts cli");
    assert_breach("src/lib.rs", "no sentence\n", 1, "//! sentence");
    assert_eq!(
        planted(file, "//! S.\nuse crate::{error::Error};\nuse super::frame;\n// crate::cli in words\n"),
        [""; 0]
    );
}

#[test]
fn planted_words_are_found() {
    let file = "src/analytics/scale.rs";
    assert_breach(file, "//! S.\nfn f() { let _ = std::time::Instant::now(); }\n", 2, "Instant::now");
    assert_breach(file, "//! S.\nuse std::fs::File;\n", 2, "std::fs");
    assert_breach(file, "//! S.\nuse chrono::Utc;\nfn f() { Utc::now(); }\n", 3, "Utc::now");
    assert_breach(file, "//! S.\nuse tokio::sync::watch;\n", 2, "tokio");
    assert_breach("src/serve/mod.rs", "//! S.\nuse tokio_postgres::Client;\n", 2, "one module speaks PostgreSQL");
    assert_breach("src/serve/mod.rs", "//! S.\nfn f() { std::env::var(\"X\"); }\n", 2, "std::env");
    assert_breach("src/serve/mod.rs", "//! S.\nfn f() { println!(\"x\"); }\n", 2, "println!");
    assert_breach(file, concat!("//! S.\n// TO", "DO: later\n"), 2, "unfinished");
    let harmless = "//! S.\nconst A: &str = \"std::fs \\\" tokio\";\nconst B: &str = r#\"std::env \" x\"#;\nfn f<'a>(x: &'a str) -> char { '\"' }\n/* tokio\n*/\n";
    assert_eq!(planted(file, harmless), [""; 0]);
    assert_breach(file, &format!("{harmless}fn g() {{ std::fs::read(); }}\n"), 7, "std::fs");
    assert_eq!(planted(file, "//! S.\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), [""; 0]);
}

#[test]
fn planted_files_are_found() {
    assert_breach("src/analytics/scale.rs", &format!("//! S.\n{}", "\n".repeat(500)), 501, "split it by idea");
    assert_breach("src/analytics/forgotten.rs", "//! S.\n", 1, "never compiled");
    let beside = "//! S.\n#[cfg(test)]\n#[path = \"scale_tests.rs\"]\nmod tests;\n";
    let files = [("src/lib.rs", "//! M.\nmod scale;\n"), ("src/scale.rs", beside), ("src/scale_tests.rs", "//! S.\n")];
    let files: Vec<Source> = files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
    assert!(!breaches(&files).iter().any(|breach| breach.contains("never compiled")));
    let found = planted("src/util.rs", "//! S.\n");
    assert!(found.iter().any(|breach| breach.contains("is named \"util\"")), "{found:#?}");
    assert!(found.iter().any(|breach| breach.contains("has no row in the table")), "{found:#?}");
}
