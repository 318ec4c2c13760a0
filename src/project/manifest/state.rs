//! What changed since an earlier run: `state:new`, `state:modified` and its parts, judged as dbt judges it.

mod contract;

use super::view::{self, Stamp};
use super::{MacroInfo, Manifest};
use crate::project::artifact::read::PreviousManifest;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// What a `state:` selector asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    New,
    /// It was there.
    Old,
    /// Anything that decides its rows, its relation or its contract differs.
    Modified,
    /// Nothing of that differs.
    Unmodified,
    /// Its text differs.
    Body,
    /// Its configuration differs, as the files spell it.
    Configs,
    /// Database, schema or alias differ, as the files spell them.
    Relation,
    /// Descriptions differ that are kept as comments in the database.
    PersistedDescriptions,
    /// A macro that it calls differs, or one that those call.
    Macros,
    /// Its contract differs.
    Contract,
}

impl Change {
    /// Every question by its word.
    pub const ALL: [(&'static str, Change); 10] = [
        ("new", Change::New),
        ("old", Change::Old),
        ("modified", Change::Modified),
        ("unmodified", Change::Unmodified),
        ("modified.body", Change::Body),
        ("modified.configs", Change::Configs),
        ("modified.relation", Change::Relation),
        ("modified.persisted_descriptions", Change::PersistedDescriptions),
        ("modified.macros", Change::Macros),
        ("modified.contract", Change::Contract),
    ];

    /// The question of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, change)| change)
    }
}

/// The project of now beside that of an earlier run.
#[derive(Debug)]
pub struct Comparison<'a> {
    manifest: &'a Manifest,
    previous: &'a PreviousManifest,
    modified_macros: BTreeSet<&'a str>,
}

/// Packages whose macros come with the program: their texts differ between tools, and say nothing of the project.
const BUILT_IN: [&str; 2] = ["dbt", "dbt_postgres"];

impl<'a> Comparison<'a> {
    /// Compares the macros; nodes are compared when they are asked for.
    #[must_use]
    pub fn new(manifest: &'a Manifest, previous: &'a PreviousManifest) -> Self {
        let is_own = |id: &&str| !id.split('.').nth(1).is_some_and(|package| BUILT_IN.contains(&package));
        let now = manifest.macros.keys().map(String::as_str);
        let ids = now.chain(previous.macros().keys().map(String::as_str)).filter(is_own);
        let text_of = |one: &'a MacroInfo| one.text.as_str();
        let differs =
            |id: &&str| manifest.macros.get(*id).map(text_of) != previous.macros().get(*id).map(String::as_str);
        Comparison { manifest, previous, modified_macros: ids.filter(differs).collect() }
    }

    /// Whether this is so of a node, source, exposure, metric, semantic model, saved query or unit test.
    #[must_use]
    pub fn holds(&self, id: &str, change: Change) -> bool {
        let old = self.previous.find(id);
        let Some(now) = self.dict(id) else { return false };
        let part = Part { kind: view::kind_of(id), now: &now };
        match change {
            Change::New => old.is_none(),
            Change::Old => old.is_some(),
            Change::Modified => self.is_modified(id, &part, old),
            Change::Unmodified => !self.is_modified(id, &part, old),
            Change::Macros => self.calls_modified_macro(id),
            Change::Body => part.is_node() && old.is_none_or(|old| !part.same_body(old)),
            Change::Configs => part.kind != "unit_test" && old.is_none_or(|old| !part.same_configs(old)),
            Change::Relation => {
                (part.is_node() || part.kind == "source") && old.is_none_or(|old| !part.same_relation(old))
            }
            Change::PersistedDescriptions => part.is_node() && old.is_none_or(|old| !part.same_descriptions(old)),
            Change::Contract => part.is_node() && old.is_none_or(|old| !part.same_contract(old)),
        }
    }

    /// What a model promised in its contract and does not promise any more, as sentences; none if nothing is broken.
    ///
    /// dbt refuses such a change of a versioned model, and warns of it for others.
    #[must_use]
    pub fn contract_breaks(&self, id: &str) -> Vec<String> {
        match (self.manifest.nodes.get(id), self.dict(id), self.previous.find(id)) {
            (Some(_), Some(now), Some(old)) => contract::breaks(&now, old),
            _ => Vec::new(),
        }
    }

    fn is_modified(&self, id: &str, part: &Part<'_>, old: Option<&Map<String, Json>>) -> bool {
        let differs = match old {
            Some(old) => !part.same_contents(old),
            // A source or exposure that is new changes no rows.
            None => part.is_node() || part.kind == "unit_test",
        };
        differs || self.calls_modified_macro(id)
    }

    /// The dictionary as it would be written now.
    fn dict(&self, id: &str) -> Option<Map<String, Json>> {
        let stamp = Stamp::default();
        if let Some(node) = self.manifest.nodes.get(id) {
            return Some(view::full(node, None, &[], &stamp));
        }
        let written = match self.manifest.sources.get(id) {
            Some(table) => view::source(table, &stamp),
            None => {
                let (nodes, kept) = (&self.manifest.nodes, &self.manifest.kept);
                view::kept(kept.get(id)?, nodes, kept, &stamp)
            }
        };
        written.as_object().cloned()
    }

    fn calls_modified_macro(&self, id: &str) -> bool {
        let mut seen = BTreeSet::new();
        let direct = self.manifest.nodes.get(id).map(|node| node.macros.as_slice()).unwrap_or_default();
        let mut waiting: Vec<&str> = direct.iter().map(String::as_str).collect();
        while let Some(called) = waiting.pop().filter(|_| !self.modified_macros.is_empty()) {
            if self.modified_macros.contains(called) {
                return true;
            }
            if seen.insert(called) {
                let further = self.manifest.macros.get(called).map(|one| one.macros.as_slice()).unwrap_or_default();
                waiting.extend(further.iter().map(String::as_str));
            }
        }
        false
    }
}

/// One part of the project as it is now.
struct Part<'a> {
    kind: &'a str,
    now: &'a Map<String, Json>,
}

/// Keys of the configuration of a node that say where it is and what it is filed under, not what it is.
const NOT_COMPARED: [&str; 5] = ["alias", "schema", "database", "tags", "group"];

/// Keys of the configuration of a data test that change its outcome.
const OF_TESTS: [&str; 8] =
    ["severity", "where", "limit", "fail_calc", "warn_if", "error_if", "store_failures", "store_failures_as"];

impl Part<'_> {
    /// Whether it is one of the nodes that have a text or a file.
    fn is_node(&self) -> bool {
        matches!(self.kind, "model" | "seed" | "snapshot" | "test" | "analysis" | "operation")
    }

    fn same(&self, old: &Map<String, Json>, keys: &[&str]) -> bool {
        keys.iter().all(|key| value(self.now, key) == value(old, key))
    }

    fn same_contents(&self, old: &Map<String, Json>) -> bool {
        match self.kind {
            "unit_test" => self.same(old, &["checksum"]),
            "source" => {
                let keys = ["fqn", "quoting", "freshness", "loaded_at_field", "external"];
                self.same_relation(old) && self.same_configs(old) && self.same(old, &keys)
            }
            "exposure" => {
                let keys = ["fqn", "type", "owner", "maturity", "url", "description", "label"];
                self.same(old, &keys) && self.same_parents(old) && self.same_configs(old)
            }
            "metric" => {
                self.same(old, &["filter", "metadata", "type", "type_params", "description", "label"])
                    && self.same_configs(old)
            }
            "semantic_model" => {
                let keys = [
                    "model",
                    "description",
                    "defaults",
                    "entities",
                    "dimensions",
                    "measures",
                    "primary_entity",
                    "group",
                ];
                self.same(old, &keys) && self.same_configs(old)
            }
            "saved_query" => {
                let params = |dict: &Map<String, Json>, key: &str| value(dict, "query_params").get(key).cloned();
                ["metrics", "group_by", "where"].iter().all(|key| params(self.now, key) == params(old, key))
                    && self.same(old, &["description", "label", "group", "exports", "tags"])
                    && self.same_configs(old)
            }
            // A generic test is known by its name, which its arguments are part of.
            "test" if self.now.contains_key("test_metadata") => self.same(old, &["fqn"]) && self.same_configs(old),
            _ => {
                self.same_body(old)
                    && self.same_configs(old)
                    && self.same_descriptions(old)
                    && self.same_relation(old)
                    && self.same_contract(old)
                    && self.same(old, &["fqn"])
                    && (self.kind != "model" || self.same(old, &["latest_version", "access", "deprecation_date"]))
            }
        }
    }

    fn same_body(&self, old: &Map<String, Json>) -> bool {
        match self.kind {
            "seed" => self.same(old, &["checksum"]),
            _ => self.same(old, &["raw_code"]),
        }
    }

    /// The files' spelling is compared, so that another target or variable alone is no change.
    fn same_configs(&self, old: &Map<String, Json>) -> bool {
        let none = Map::new();
        let config = |dict: &Map<String, Json>| -> BTreeMap<String, Json> {
            let unrendered = dict.get("unrendered_config").and_then(Json::as_object).unwrap_or(&none);
            let compared = unrendered.iter().filter(|(key, _)| match self.kind {
                "test" => OF_TESTS.contains(&key.as_str()),
                "source" | "exposure" => true,
                "metric" | "semantic_model" | "saved_query" => key.as_str() != "group",
                _ => !NOT_COMPARED.contains(&key.as_str()),
            });
            compared.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        config(self.now) == config(old)
    }

    fn same_relation(&self, old: &Map<String, Json>) -> bool {
        if self.kind == "source" {
            return self.same(old, &["database", "schema", "identifier"]);
        }
        let none = Json::Null;
        let (now, before) =
            (self.now.get("unrendered_config").unwrap_or(&none), old.get("unrendered_config").unwrap_or(&none));
        ["database", "schema", "alias"].iter().all(|key| now.get(key) == before.get(key))
    }

    fn same_descriptions(&self, old: &Map<String, Json>) -> bool {
        let persists = |what: &str| {
            let persisted = self.now.get("config").and_then(|config| config.get("persist_docs"));
            persisted.and_then(|docs| docs.get(what)).and_then(Json::as_bool).unwrap_or(false)
        };
        let of_columns = |dict: &Map<String, Json>| -> BTreeMap<String, Json> {
            let columns = dict.get("columns").and_then(Json::as_object).into_iter().flatten();
            let described = |(name, column): (&String, &Json)| (name.clone(), column["description"].clone());
            columns.map(described).collect()
        };
        (!persists("relation") || self.same(old, &["description"]))
            && (!persists("columns") || of_columns(self.now) == of_columns(old))
    }

    fn same_contract(&self, old: &Map<String, Json>) -> bool {
        if self.kind != "model" {
            return true;
        }
        let facts = |dict: &Map<String, Json>| {
            let part = |key: &str| dict.get("contract").and_then(|contract| contract.get(key)).cloned();
            (part("enforced").and_then(|enforced| enforced.as_bool()).unwrap_or(false), part("checksum"))
        };
        match (facts(self.now), facts(old)) {
            ((false, _), (false, _)) => true,
            ((true, now), (true, before)) => now == before,
            _ => false,
        }
    }

    /// In whatever order.
    fn same_parents(&self, old: &Map<String, Json>) -> bool {
        let parents = |dict: &Map<String, Json>| -> BTreeSet<String> {
            let nodes = dict.get("depends_on").and_then(|needs| needs.get("nodes")).and_then(Json::as_array);
            nodes.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        parents(self.now) == parents(old)
    }
}

/// A key that an older manifest does not have is one without a value.
fn value<'a>(dict: &'a Map<String, Json>, key: &str) -> &'a Json {
    dict.get(key).unwrap_or(&Json::Null)
}
