//! Strategies of incremental models: which there are, and the macro that writes the SQL of one.

use super::super::arguments::Arguments;
use super::super::containers::list;
use super::super::exceptions::{Raised, RaisedKind};
use super::super::host::Host;
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// Strategies that PostgreSQL has.
const STRATEGIES: [&str; 4] = ["append", "delete+insert", "merge", "microbatch"];

/// `valid_incremental_strategies()`
pub(super) fn valid_incremental_strategies(
    _: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    Arguments::bind("adapter.valid_incremental_strategies", &[], args)?;
    Ok(list(STRATEGIES.into_iter().map(Value::from).collect()))
}

/// `get_incremental_strategy_macro(context, strategy)`: `get_incremental_merge_sql` for `merge`.
///
/// A project may add a strategy by writing its macro; `insert_overwrite`, which dbt knows, PostgreSQL has not.
pub(super) fn get_incremental_strategy_macro(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_incremental_strategy_macro", &["model_context", "strategy"], args)?;
    if host.database().is_none() {
        return Ok(Value::from(()));
    }
    let strategy = given.optional_text("strategy").unwrap_or_else(|| "default".to_owned());
    let refuse = |text: String| Err(Raised::error(RaisedKind::Compiler, text));
    if strategy == "insert_overwrite" {
        return refuse(format!(
            "incremental strategy \"{strategy}\" is not for PostgreSQL; it has {}",
            STRATEGIES.join(", ")
        ));
    }
    let name = format!("get_incremental_{}_sql", strategy.replace('+', "_"));
    match host.macro_named(None, &name) {
        Some(found) => Ok(found),
        None => refuse(format!("there is no incremental strategy \"{strategy}\": macro {name} is not there")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    #[test]
    fn a_strategy_is_the_macro_of_its_name() {
        let host = fake::answering();
        let text = "{{ adapter.get_incremental_strategy_macro(context, 'delete+insert')() }}";
        assert_eq!(fake::render(&host, text), "any.get_incremental_delete_insert_sql");
        assert_eq!(
            fake::render(&host, "{{ adapter.valid_incremental_strategies() | join(' ') }}"),
            "append delete+insert merge microbatch"
        );
        assert_eq!(
            fake::render(&fake::parsing(), "{{ adapter.get_incremental_strategy_macro(context, 'x') is none }}"),
            "True"
        );
    }

    #[test]
    fn unknown_strategies_are_told_apart_from_those_of_other_warehouses() {
        let told = |strategy: &str| {
            fake::fault(
                &fake::answering(),
                &format!("{{{{ adapter.get_incremental_strategy_macro(context, '{strategy}') }}}}"),
            )
        };
        assert_eq!(
            told("mine"),
            "there is no incremental strategy \"mine\": macro get_incremental_mine_sql is not there"
        );
        assert!(told("insert_overwrite").contains("is not for PostgreSQL"));
    }
}
