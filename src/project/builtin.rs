//! The macros of package `dbt`, which projects and packages call without defining them; embedded in the program.

/// Files by name, one a topic.
pub const FILES: &[(&str, &str)] = &[
    ("macros/arrays.sql", include_str!("builtin/arrays.sql")),
    ("macros/calendar.sql", include_str!("builtin/calendar.sql")),
    ("macros/casts.sql", include_str!("builtin/casts.sql")),
    ("macros/catalog.sql", include_str!("builtin/catalog.sql")),
    ("macros/clock.sql", include_str!("builtin/clock.sql")),
    ("macros/columns.sql", include_str!("builtin/columns.sql")),
    ("macros/comments.sql", include_str!("builtin/comments.sql")),
    ("macros/contracts.sql", include_str!("builtin/contracts.sql")),
    ("macros/create.sql", include_str!("builtin/create.sql")),
    ("macros/dates.sql", include_str!("builtin/dates.sql")),
    ("macros/drop.sql", include_str!("builtin/drop.sql")),
    ("macros/engine.sql", include_str!("builtin/engine.sql")),
    ("macros/generic_tests.sql", include_str!("builtin/generic_tests.sql")),
    ("macros/grants.sql", include_str!("builtin/grants.sql")),
    ("macros/hooks.sql", include_str!("builtin/hooks.sql")),
    ("macros/incremental.sql", include_str!("builtin/incremental.sql")),
    ("macros/indexes.sql", include_str!("builtin/indexes.sql")),
    ("macros/merge.sql", include_str!("builtin/merge.sql")),
    ("macros/naming.sql", include_str!("builtin/naming.sql")),
    ("macros/relations.sql", include_str!("builtin/relations.sql")),
    ("macros/replace.sql", include_str!("builtin/replace.sql")),
    ("macros/schema_changes.sql", include_str!("builtin/schema_changes.sql")),
    ("macros/schemas.sql", include_str!("builtin/schemas.sql")),
    ("macros/series.sql", include_str!("builtin/series.sql")),
    ("macros/sets.sql", include_str!("builtin/sets.sql")),
    ("macros/snapshots.sql", include_str!("builtin/snapshots.sql")),
    ("macros/strings.sql", include_str!("builtin/strings.sql")),
    ("macros/test_queries.sql", include_str!("builtin/test_queries.sql")),
    ("macros/types.sql", include_str!("builtin/types.sql")),
];

#[cfg(test)]
mod tests {
    use super::FILES;
    use crate::project::jinja::{BlockKind, Library, Options, split};
    use std::sync::Arc;

    /// A running program compiles them only when they are called.
    #[test]
    fn every_macro_is_well_formed() {
        let mut library = Library::new(Options::default());
        for (path, text) in FILES {
            let whole: Arc<str> = Arc::from(*text);
            let found = split(text).unwrap_or_else(|trouble| panic!("{path}: {}", trouble.message));
            for block in found.blocks.iter().filter(|b| matches!(b.kind, BlockKind::Macro | BlockKind::Test)) {
                library.add_macro("dbt", path, &whole, block).unwrap_or_else(|fault| panic!("{path}: {fault}"));
            }
        }
        assert!(library.macros().count() > 100);
    }
}
