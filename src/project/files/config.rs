//! The configuration of a node: which keys there are, and how the layers of a project merge into one.

use crate::project::yaml::Node;
use serde_json::{Map, Value as Json, json};

/// Configuration: key to value, in the order in which the keys were first set.
pub type Config = Map<String, Json>;

/// What a configuration is for; decides which keys are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resource {
    /// A model; analyses and operations are configured like one.
    #[default]
    Model,
    /// A CSV file.
    Seed,
    /// A snapshot.
    Snapshot,
    /// A data test, singular or generic.
    DataTest,
    /// A source or one of its tables.
    Source,
    /// A unit test.
    UnitTest,
    /// A user-defined function.
    Function,
    /// A saved query.
    SavedQuery,
    /// Exposures, metrics, semantic models, groups, macros, columns: documentation with few keys.
    Documentation,
}

/// How the values of two layers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    /// The upper value replaces the lower one.
    Replace,
    /// Lists: upper items after the lower ones; a single value counts as a list of one.
    Append,
    /// Maps: upper keys are added to the lower ones or replace them.
    Update,
    /// Maps of lists: as `Update`, but a key with a `+` before it appends to the lower list.
    UpdateOrAppend,
}

fn merge_of(key: &str) -> Merge {
    match key {
        "tags" | "packages" | "pre-hook" | "post-hook" => Merge::Append,
        "quoting" | "column_types" | "meta" | "docs" | "contract" | "vars" | "snapshot_meta_column_names" => {
            Merge::Update
        }
        "grants" => Merge::UpdateOrAppend,
        _ => Merge::Replace,
    }
}

/// Puts the layer `upper` over `lower`: tags and hooks append, `meta` and its like merge, `grants` do either, all else
/// is replaced. Hooks become `{sql, transaction, index}`, `pre_hook` and `post_hook` get their names with a dash.
pub fn merge(lower: &mut Config, upper: &Config) {
    for (key, value) in upper {
        let key = canonical_key(key);
        let merged = match (merge_of(key), lower.get(key)) {
            (Merge::Replace, _) => value.clone(),
            (Merge::Append, below) => {
                let mut items = below.cloned().map(into_list).unwrap_or_default();
                let added = into_list(value.clone());
                items.extend(if is_hook(key) { added.into_iter().map(hook).collect() } else { added });
                Json::Array(items)
            }
            (Merge::Update, below) => match (below, value) {
                (Some(Json::Object(below)), Json::Object(above)) => {
                    let mut map = below.clone();
                    map.extend(above.clone());
                    Json::Object(map)
                }
                (Some(below @ Json::Object(_)), Json::Null) => below.clone(),
                _ => value.clone(),
            },
            (Merge::UpdateOrAppend, below) => Json::Object(merge_grants(below, value)),
        };
        lower.insert(key.to_owned(), merged);
    }
}

fn merge_grants(below: Option<&Json>, above: &Json) -> Map<String, Json> {
    let mut grants = below.and_then(Json::as_object).cloned().unwrap_or_default();
    for (privilege, grantees) in above.as_object().into_iter().flatten() {
        let grantees = into_list(grantees.clone());
        let name = privilege.trim_start_matches('+');
        match grants.get_mut(name) {
            Some(Json::Array(list)) if privilege.starts_with('+') => list.extend(grantees),
            _ => {
                grants.insert(name.to_owned(), Json::Array(grantees));
            }
        }
    }
    grants
}

/// The one name of a key that has two spellings.
#[must_use]
pub fn canonical_key(key: &str) -> &str {
    match key {
        "pre_hook" => "pre-hook",
        "post_hook" => "post-hook",
        key => key,
    }
}

fn is_hook(key: &str) -> bool {
    matches!(key, "pre-hook" | "post-hook")
}

fn into_list(value: Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items,
        Json::Null => Vec::new(),
        single => vec![single],
    }
}

/// A hook as `{sql, transaction, index}`. Text may be such a map in JSON: `before_begin(...)` and `after_commit(...)`
/// of the templates make it.
#[must_use]
pub fn hook(value: Json) -> Json {
    let fields = match value {
        Json::Object(fields) => fields,
        Json::String(text) => match serde_json::from_str(&text) {
            Ok(Json::Object(fields)) => fields,
            _ => Map::from_iter([("sql".to_owned(), Json::String(text))]),
        },
        other => Map::from_iter([("sql".to_owned(), Json::String(other.to_string()))]),
    };
    json!({
        "sql": fields.get("sql").cloned().unwrap_or_else(|| json!("")),
        "transaction": fields.get("transaction").cloned().unwrap_or(Json::Bool(true)),
        "index": fields.get("index").cloned().unwrap_or(Json::Null),
    })
}

/// The configuration in a map of a property file, as written.
pub(super) fn of_node(node: &Node) -> Config {
    let Json::Object(entries) = node.json() else { return Config::new() };
    entries.into_iter().map(|(key, value)| (canonical_key(&key).to_owned(), value)).collect()
}

/// Keys of everything that becomes a relation.
const RELATION: &[&str] = &[
    "alias",
    "batch_id",
    "column_types",
    "contract",
    "database",
    "description",
    "docs",
    "enabled",
    "event_time",
    "full_refresh",
    "grants",
    "group",
    "indexes",
    "materialized",
    "meta",
    "on_configuration_change",
    "packages",
    "persist_docs",
    "post-hook",
    "post_hook",
    "pre-hook",
    "pre_hook",
    "quoting",
    "schema",
    "sql_header",
    "static_analysis",
    "tags",
    "unlogged",
    "vars",
];
const MODEL: &[&str] = &[
    "access",
    "batch_size",
    "begin",
    "concurrent_batches",
    "freshness",
    "incremental_predicates",
    "incremental_strategy",
    "lookback",
    "merge_exclude_columns",
    "merge_update_columns",
    "on_schema_change",
    "predicates",
    "primary_key",
    "unique_key",
];
/// Keys of Quintile's own materializations and of its store.
const QUINTILE: &[&str] = &[
    "discount_rate_annual",
    "distributed_by",
    "estimator",
    "horizon_days",
    "k",
    "k_max",
    "k_min",
    "key",
    "log",
    "margin_share",
    "replicated",
    "seed",
    "starts",
];
const SEED: &[&str] = &["access", "delimiter", "quote_columns", "replicated", "distributed_by"];
const SNAPSHOT: &[&str] = &[
    "check_cols",
    "dbt_valid_to_current",
    "hard_deletes",
    "invalidate_hard_deletes",
    "quote_columns",
    "snapshot_meta_column_names",
    "strategy",
    "target_database",
    "target_schema",
    "unique_key",
    "updated_at",
];
/// Keys that a data test may also have beside its arguments, outside of `config`.
pub(super) const TEST: &[&str] = &[
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "meta",
    "database",
    "schema",
    "alias",
];
const TEST_MORE: &[&str] = &["group", "materialized", "quoting", "sql_header", "static_analysis", "description"];
const SOURCE: &[&str] = &[
    "enabled",
    "event_time",
    "freshness",
    "loaded_at_field",
    "loaded_at_query",
    "meta",
    "quoting",
    "static_analysis",
    "tags",
];
const UNIT_TEST: &[&str] = &["enabled", "meta", "static_analysis", "tags"];
const FUNCTION: &[&str] = &["access", "entry_point", "runtime_version", "type", "volatility"];
const SAVED_QUERY: &[&str] = &["cache", "enabled", "export_as", "group", "meta", "schema", "tags"];
const DOCUMENTATION: &[&str] = &["docs", "enabled", "group", "meta", "tags"];

/// Keys that mean something on other databases: packages for several warehouses set them, and here they do nothing.
const OTHER_DATABASES: &[&str] = &[
    "adapter_properties",
    "as_columnstore",
    "auto_liquid_cluster",
    "auto_refresh",
    "automatic_clustering",
    "backup",
    "base_location_root",
    "base_location_subpath",
    "bind",
    "buckets",
    "catalog",
    "catalog_name",
    "cluster_by",
    "clustered_by",
    "compression",
    "copy_grants",
    "databricks_compute",
    "databricks_tags",
    "dist",
    "enable_list_inference",
    "enable_refresh",
    "engine",
    "external_volume",
    "file_format",
    "grant_access_to",
    "hours_to_expiration",
    "include_full_name_in_path",
    "initialize",
    "kms_key_name",
    "labels",
    "labels_from_meta",
    "liquid_clustered_by",
    "location",
    "location_root",
    "max_staleness",
    "merge_with_schema_evolution",
    "order_by",
    "partition_by",
    "partition_expiration_days",
    "partitions",
    "query_tag",
    "refresh_interval_minutes",
    "refresh_mode",
    "require_partition_filter",
    "row_access_policy",
    "schedule",
    "secure",
    "snowflake_warehouse",
    "sort",
    "sort_type",
    "submission_method",
    "table_format",
    "table_type",
    "target_lag",
    "tblproperties",
    "timeout",
    "tmp_relation_type",
    "transient",
];

/// All keys known for this kind of resource.
#[must_use]
pub fn known_keys(resource: Resource) -> Vec<&'static str> {
    let lists: &[&[&str]] = match resource {
        Resource::Model => &[RELATION, MODEL, QUINTILE, OTHER_DATABASES],
        Resource::Seed => &[RELATION, SEED, OTHER_DATABASES],
        Resource::Snapshot => &[RELATION, SNAPSHOT, OTHER_DATABASES],
        Resource::DataTest => &[TEST, TEST_MORE, OTHER_DATABASES],
        Resource::Source => &[SOURCE, OTHER_DATABASES],
        Resource::UnitTest => &[UNIT_TEST, OTHER_DATABASES],
        Resource::Function => &[RELATION, FUNCTION, OTHER_DATABASES],
        Resource::SavedQuery => &[SAVED_QUERY],
        Resource::Documentation => &[DOCUMENTATION],
    };
    lists.concat()
}

/// Whether the key is known for this kind of resource.
#[must_use]
pub fn is_known(resource: Resource, key: &str) -> bool {
    known_keys(resource).contains(&key)
}

/// Known keys whose value is a map.
pub(super) const MAPS: &[&str] = &[
    "column_types",
    "contract",
    "docs",
    "freshness",
    "grants",
    "meta",
    "persist_docs",
    "quoting",
    "snapshot_meta_column_names",
    "vars",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The layers merged in order, the most general first.
    fn merged(layers: &[Json]) -> Json {
        let mut config = Config::new();
        for layer in layers {
            merge(&mut config, layer.as_object().expect("a layer is a map"));
        }
        Json::Object(config)
    }

    #[test]
    fn each_key_merges_as_in_dbt() {
        let cases = [
            (json!([{"tags": "a"}, {"tags": ["b", "a"]}]), json!({"tags": ["a", "b", "a"]})),
            (json!([{"meta": {"a": 1, "b": 1}}, {"meta": {"b": 2}}]), json!({"meta": {"a": 1, "b": 2}})),
            (json!([{"meta": {"a": {"x": 1}}}, {"meta": {"a": {"y": 2}}}]), json!({"meta": {"a": {"y": 2}}})),
            (
                json!([{"persist_docs": {"relation": true}}, {"persist_docs": {"columns": true}}]),
                json!({"persist_docs": {"columns": true}}),
            ),
            (json!([{"materialized": "view"}, {"materialized": "table"}]), json!({"materialized": "table"})),
            (json!([{"schema": "x"}, {"schema": null}]), json!({"schema": null})),
            (
                json!([{"grants": {"select": "a"}}, {"grants": {"+select": ["b"], "insert": "c"}}]),
                json!({"grants": {"select": ["a", "b"], "insert": ["c"]}}),
            ),
            (
                json!([{"grants": {"select": ["a"]}}, {"grants": {"select": ["b"]}}]),
                json!({"grants": {"select": ["b"]}}),
            ),
            (json!([{"grants": {"+select": ["a"]}}]), json!({"grants": {"select": ["a"]}})),
        ];
        for (layers, expected) in cases {
            assert_eq!(merged(layers.as_array().expect("layers")), expected, "{layers}");
        }
    }

    #[test]
    fn hooks_gather_and_have_one_shape_and_name() {
        let layers = [
            json!({"pre_hook": "select 1"}),
            json!({"pre-hook": [{"sql": "select 2", "transaction": false}, "{\"sql\": \"vacuum\", \"transaction\": false}"]}),
        ];
        assert_eq!(
            merged(&layers),
            json!({"pre-hook": [
                {"sql": "select 1", "transaction": true, "index": null},
                {"sql": "select 2", "transaction": false, "index": null},
                {"sql": "vacuum", "transaction": false, "index": null},
            ]})
        );
    }

    #[test]
    fn every_resource_knows_tags_or_is_documentation_with_them() {
        for resource in [Resource::Model, Resource::Seed, Resource::Source, Resource::DataTest, Resource::Documentation]
        {
            assert!(is_known(resource, "tags") && !is_known(resource, "tgas"), "{resource:?}");
        }
        assert!(is_known(Resource::Seed, "delimiter") && !is_known(Resource::Model, "delimiter"));
    }
}
