//! `statement`, `load_result`, `store_result`, `run_query`: SQL that runs while a template renders, and its results.

use super::arguments::Arguments;
use super::containers::{or_none, tuple};
use super::fault::{from_database, invalid};
use super::host::Host;
use super::table::{Response, Table};
use crate::project::Answer;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The statement whose result is that of the node; it may be loaded more than once.
const MAIN: &str = "main";

/// Results of one rendering by name; one that has been loaded is gone.
#[derive(Debug)]
pub struct Statements {
    host: Arc<dyn Host>,
    results: Mutex<BTreeMap<String, Option<Arc<StoredResult>>>>,
}

/// What `load_result` gives: `.response`, `.data`, `.table`.
#[derive(Debug)]
pub struct StoredResult {
    response: Value,
    table: Value,
    /// Made when a template first asks: most read the table.
    data: OnceLock<Value>,
}

impl StoredResult {
    /// What the server said, where it is known: a template may store anything.
    #[must_use]
    pub fn response(&self) -> Option<Arc<Response>> {
        self.response.downcast_object::<Response>()
    }

    fn data(&self) -> &Value {
        self.data.get_or_init(|| self.table().map_or_else(|| Value::from(()), |table| table.matrix()))
    }

    /// The rows, where it is a table.
    #[must_use]
    pub fn table(&self) -> Option<Arc<Table>> {
        self.table.downcast_object::<Table>()
    }
}

impl Object for StoredResult {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "response" => Some(self.response.clone()),
            "data" => Some(self.data().clone()),
            "table" => Some(self.table.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["response", "data", "table"])
    }
}

impl Statements {
    /// An empty store.
    pub fn new(host: Arc<dyn Host>) -> Arc<Self> {
        Arc::new(Statements { host, results: Mutex::default() })
    }

    /// The functions for templates, by name.
    #[must_use]
    pub fn functions(self: &Arc<Self>) -> Vec<(&'static str, Value)> {
        let function = |(name, run)| (name, Value::from_object(Function { name, run, store: self.clone() }));
        FUNCTIONS.into_iter().map(function).collect()
    }

    /// The result of this name, loaded or not; for the run, which reports that of `main`.
    #[must_use]
    pub fn result(&self, name: &str) -> Option<Arc<StoredResult>> {
        self.lock().get(name).cloned().flatten()
    }

    /// A panic while the lock is held leaves plain data, so a poisoned lock is as good as a clean one.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<Arc<StoredResult>>>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, name: String, response: Value, table: Option<Value>) {
        let table = table.unwrap_or_else(|| Table::empty(self.host.clone()).value());
        self.lock().insert(name, Some(Arc::new(StoredResult { response, table, data: OnceLock::new() })));
    }
}

/// Runs SQL; the table has rows only if they are to be fetched. `None` in the parse phase.
pub(super) fn execute(
    host: &Arc<dyn Host>,
    sql: &str,
    fetch: bool,
    limit: Option<usize>,
) -> Result<Option<(Response, Table)>, Error> {
    let Some(database) = host.database() else { return Ok(None) };
    let answer = database.execute(sql).map_err(from_database)?;
    let response = Response::from(&answer);
    let answer = if fetch { answer } else { Answer::default() };
    Ok(Some((response, Table::new(host.clone(), answer, limit))))
}

type Run = fn(&Arc<Statements>, &mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

const FUNCTIONS: [(&str, Run); 6] = [
    ("statement", statement),
    ("noop_statement", noop_statement),
    ("load_result", load_result),
    ("store_result", store_result),
    ("store_raw_result", store_raw_result),
    ("run_query", run_query),
];

/// A function bound to its store.
struct Function {
    name: &'static str,
    run: Run,
    store: Arc<Statements>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        (self.run)(&self.store, state, args)
    }
}

/// The body of the `{% call %}` block.
fn body(function: &str, given: &Arguments, state: &mut State<'_, '_>) -> Result<String, Error> {
    let caller = given.optional("caller");
    let caller = caller.ok_or_else(|| {
        invalid(format!("{function}() takes its SQL from a block: {{% call {function}('name') %}} ... {{% endcall %}}"))
    })?;
    Ok(caller.call(state, &[])?.to_string())
}

fn statement(store: &Arc<Statements>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = &["name", "fetch_result", "auto_begin", "language", "caller"];
    let given = Arguments::bind("statement", names, args)?;
    if given.optional_text("language").is_some_and(|language| language != "sql") {
        return Err(invalid("statement() runs only SQL; there are no models in other languages"));
    }
    // As in dbt, the block is not even rendered while parsing: it may use the results of earlier statements.
    if store.host.database().is_none() {
        return Ok(Value::from(""));
    }
    let sql = body("statement", &given, state)?;
    let name = given.optional_text("name");
    store.host.sending(name.as_deref(), &sql);
    let answered = execute(&store.host, &sql, given.flag("fetch_result", false), None)?;
    if let (Some(name), Some((response, table))) = (name, answered) {
        store.store(name, Value::from_object(response), Some(table.value()));
    }
    Ok(Value::from(""))
}

fn noop_statement(store: &Arc<Statements>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = &["name", "message", "code", "rows_affected", "res", "caller"];
    let given = Arguments::bind("noop_statement", names, args)?;
    let sql = body("noop_statement", &given, state)?;
    let name = given.optional_text("name");
    store.host.sending(name.as_deref(), &sql);
    if let Some(name) = name {
        store.store(name, raw_response(&given)?, given.optional("res").cloned());
    }
    Ok(Value::from(""))
}

fn load_result(store: &Arc<Statements>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let name = Arguments::bind("load_result", &["name"], args)?.text("name")?;
    let mut results = store.lock();
    match results.get_mut(&name) {
        None => Ok(Value::from(())),
        Some(None) => Err(invalid(format!("the result of statement \"{name}\" has been loaded before"))),
        Some(Some(result)) if name == MAIN => Ok(Value::from_dyn_object(result.clone())),
        Some(result) => Ok(result.take().map_or_else(|| Value::from(()), Value::from_dyn_object)),
    }
}

fn store_result(store: &Arc<Statements>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("store_result", &["name", "response", "agate_table"], args)?;
    let response = given.required("response")?.clone();
    store.store(given.text("name")?, response, given.optional("agate_table").cloned());
    Ok(Value::from(""))
}

fn store_raw_result(store: &Arc<Statements>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = &["name", "message", "code", "rows_affected", "agate_table"];
    let given = Arguments::bind("store_raw_result", names, args)?;
    store.store(given.text("name")?, raw_response(&given)?, given.optional("agate_table").cloned());
    Ok(Value::from(""))
}

fn raw_response(given: &Arguments) -> Result<Value, Error> {
    Ok(Value::from_object(Response {
        message: given.optional_text("message").unwrap_or_default(),
        code: given.optional_text("code"),
        rows_affected: given.optional_integer("rows_affected")?.and_then(|rows| u64::try_from(rows).ok()),
    }))
}

fn run_query(store: &Arc<Statements>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let sql = Arguments::bind("run_query", &["sql"], args)?.text("sql")?;
    let answered = execute(&store.host, &sql, true, None)?;
    Ok(or_none(answered.map(|(_, table)| table.value())))
}

/// `(response, table)` for `adapter.execute`; an empty table in the parse phase.
pub(super) fn pair(host: &Arc<dyn Host>, answered: Option<(Response, Table)>) -> Value {
    let (response, table) = match answered {
        Some((response, table)) => (Value::from_object(response), table),
        None => (Value::from(""), Table::empty(host.clone())),
    };
    tuple(vec![response, table.value()])
}

#[cfg(test)]
mod tests {
    use super::super::fake;

    #[test]
    fn a_statement_keeps_its_result_for_one_load() {
        let host = fake::answering();
        let text = "{% call statement('q', fetch_result=True) -%} select * from orders {%- endcall %}\
                    {% set q = load_result('q') %}{{ q.response }} {{ q['data'][0] }} {{ q.table.columns[0].values() }} \
                    {{ q.response.rows_affected }} {{ load_result('never') is none }}";
        assert_eq!(fake::render(&host, text), "SELECT 3 (1, 'placed', 1.5) (1, 2, 3) 3 True");
        let twice = "{% call statement('q', fetch_result=True) %}select nothing{% endcall %}{% do load_result('q') %}{% do load_result('q') %}";
        assert_eq!(fake::fault(&host, twice), "the result of statement \"q\" has been loaded before");
        let main = "{% call statement('main') %}select nothing{% endcall %}{{ load_result('main').response }}{{ load_result('main').response.code }}";
        assert_eq!(fake::render(&host, main), "SELECT 0SELECT");
    }

    #[test]
    fn data_is_read_by_place() {
        let text = "{% call statement('q', fetch_result=true) %}select * from orders{% endcall %}\
                    {% set q = load_result('q') %}{{ q['data'] | map(attribute=0) | join(',') }} {{ q.data[1][2] }}";
        assert_eq!(fake::render(&fake::answering(), text), "1,2,3 2.5");
    }

    #[test]
    fn rows_are_fetched_only_if_asked_for() {
        let text = "{% call statement('q') %}select * from orders{% endcall %}{{ load_result('q').data | length }}";
        assert_eq!(fake::render(&fake::answering(), text), "0");
    }

    #[test]
    fn the_host_hears_of_a_statement_before_it_runs() {
        let host = fake::answering();
        fake::render(
            &host,
            "{% call statement('main') %}select nothing{% endcall %}{% call statement() %}select nothing{% endcall %}",
        );
        assert_eq!(
            host.sent(),
            [(Some("main".to_owned()), "select nothing".to_owned()), (None, "select nothing".to_owned())]
        );
    }

    #[test]
    fn nothing_runs_while_parsing() {
        let host = fake::parsing();
        assert_eq!(fake::render(&host, "{{ run_query('select 1') is none }}"), "True");
        let text = "{% call statement('q') %}{{ exceptions.raise_compiler_error('rendered') }}{% endcall %}{{ load_result('q') is none }}";
        assert_eq!(fake::render(&host, text), "True");
        assert!(host.sent().is_empty());
    }

    #[test]
    fn results_can_be_stored_by_hand() {
        let text = "{{ store_raw_result('a', message='OK 2', code='OK', rows_affected='2') }}{{ load_result('a').response }} \
                    {% call noop_statement('main', 'SKIP', res=run_query('select * from orders')) %}x{% endcall %}\
                    {{ load_result('main').response }} {{ load_result('main').data | length }}\
                    {{ store_result('b', response='r') }} {{ load_result('b').response }} {{ load_result('b') is none }}";
        let error = fake::fault(&fake::answering(), text);
        assert_eq!(error, "the result of statement \"b\" has been loaded before");
        let text = text.replace(" {{ load_result('b') is none }}", "");
        assert_eq!(fake::render(&fake::answering(), &text), "OK 2 SKIP 3 r");
    }

    #[test]
    fn an_error_of_the_database_is_told_in_its_words() {
        let error = fake::error(&fake::answering(), "{{ run_query('select bad') }}");
        let told = super::super::database_error(&error).expect("the database's error");
        assert_eq!((told.message.as_str(), told.sqlstate.as_deref()), ("column \"bad\" does not exist", Some("42703")));
    }

    #[test]
    fn a_statement_without_a_block_is_told_how_to_have_one() {
        let told = fake::fault(&fake::answering(), "{{ statement('q') }}");
        assert_eq!(told, "statement() takes its SQL from a block: {% call statement('name') %} ... {% endcall %}");
    }
}
