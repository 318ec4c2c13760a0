//! Which keys a configuration may have, by kind of resource; any other is warned about.

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
    "algorithm",
    "discount_rate_annual",
    "distributed_by",
    "estimator",
    "horizon_days",
    "k",
    "k_max",
    "refit_days",
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
pub const TEST: &[&str] = &[
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

    #[test]
    fn every_resource_knows_tags_or_is_documentation_with_them() {
        for resource in [Resource::Model, Resource::Seed, Resource::Source, Resource::DataTest, Resource::Documentation]
        {
            assert!(is_known(resource, "tags") && !is_known(resource, "tgas"), "{resource:?}");
        }
        assert!(is_known(Resource::Seed, "delimiter") && !is_known(Resource::Model, "delimiter"));
    }
}
