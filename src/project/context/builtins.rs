//! `builtins`: the real `ref`, `source` and `config`, for macros of a project that hide them under their own names.

use super::host::Host;
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use std::fmt;
use std::sync::Arc;

/// `builtins` of this rendering.
pub fn builtins(host: Arc<dyn Host>) -> Value {
    Value::from_object(Builtins(host))
}

struct Builtins(Arc<dyn Host>);

impl fmt::Debug for Builtins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<builtins>")
    }
}

impl Object for Builtins {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.builtin(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_ref(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;

    #[test]
    fn builtins_reach_past_a_macro_of_the_same_name() {
        let host = fake::parsing();
        assert_eq!(fake::render(&host, "{{ builtins.ref('a') }} {{ builtins['ref']('b') }}"), "<a> <b>");
        assert_eq!(fake::render(&host, "{{ builtins.nothing is defined }}"), "False");
    }
}
