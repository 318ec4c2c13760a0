//! `log`, `print` and `debug`: what a template says to the one who runs it.

use super::arguments::Arguments;
use super::host::{Host, Level};
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::fmt;
use std::sync::Arc;

/// `log(msg, info=False)`: to the log, and with `info` to the terminal too.
pub fn log(host: Arc<dyn Host>) -> Value {
    Value::from_object(Message { host, loud: None })
}

/// `print(msg)`: to standard output.
pub fn print(host: Arc<dyn Host>) -> Value {
    Value::from_object(Message { host, loud: Some(Level::Print) })
}

/// `debug()`: in dbt a debugger, here nothing; there is no terminal to stop at.
pub fn debug() -> Value {
    Value::from_function(|| "")
}

struct Message {
    host: Arc<dyn Host>,
    /// The level, unless the call decides it.
    loud: Option<Level>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.loud.is_some() { "<function print>" } else { "<function log>" })
    }
}

impl Object for Message {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (level, given) = match self.loud {
            Some(level) => (level, Arguments::bind("print", &["msg"], args)?),
            None => {
                let given = Arguments::bind("log", &["msg", "info"], args)?;
                (if given.flag("info", false) { Level::Info } else { Level::Debug }, given)
            }
        };
        let text = given.required("msg")?;
        // Python's str(): what is nothing is still said.
        self.host.say(level, &if text.is_none() { "None".to_owned() } else { text.to_string() });
        Ok(Value::from(""))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    #[test]
    fn each_call_has_its_level_and_prints_nothing_into_the_sql() {
        let host = fake::parsing();
        let text =
            "a{{ log('one') }}{% do log('two', info=True) %}{{ log('three', true) }}{{ print(4) }}{{ debug() }}b";
        assert_eq!(fake::render(&host, text), "ab");
        let said = [(Level::Debug, "one"), (Level::Info, "two"), (Level::Info, "three"), (Level::Print, "4")];
        assert_eq!(host.said(), said.map(|(level, text)| (level, text.to_owned())));
    }

    #[test]
    fn nothing_to_say_is_an_error() {
        assert_eq!(fake::fault(&fake::parsing(), "{{ log() }}"), "log() needs the argument \"msg\"");
    }
}
