//! `target`: where this run writes, without any secret.

use super::containers::{dict, or_none};
use minijinja::Value;

/// The chosen output of the profile; the password is not among its fields, so no template can print it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Name of the profile: `jaffle_shop`.
    pub profile_name: String,
    /// Name of the output: `dev`.
    pub name: String,
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Host, or the folder of a socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User.
    pub user: String,
    /// Number of nodes built at a time.
    pub threads: usize,
    /// Role that the session takes, if any.
    pub role: Option<String>,
    /// `search_path` of the session, if the profile sets it.
    pub search_path: Option<String>,
    /// How TLS is used, if the profile says so.
    pub sslmode: Option<String>,
}

impl Target {
    /// `target` for templates.
    #[must_use]
    pub fn value(&self) -> Value {
        let text = |text: &str| Value::from(text);
        dict([
            ("host", text(&self.host)),
            ("port", Value::from(self.port)),
            ("user", text(&self.user)),
            ("database", text(&self.database)),
            ("dbname", text(&self.database)),
            ("schema", text(&self.schema)),
            ("role", or_none(self.role.as_deref())),
            ("search_path", or_none(self.search_path.as_deref())),
            ("sslmode", or_none(self.sslmode.as_deref())),
            ("type", text("postgres")),
            ("threads", Value::from(self.threads)),
            ("name", text(&self.name)),
            ("target_name", text(&self.name)),
            ("profile_name", text(&self.profile_name)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::{Environment, context};

    #[test]
    fn templates_read_every_name_and_no_secret() {
        let target = Target { name: "dev".into(), schema: "s".into(), database: "d".into(), ..Target::default() };
        let text = "{{ target.name }} {{ target.type }} {{ target['schema'] }} {{ target.dbname }} {{ target.database }} \
                    {{ target.role is none }} {{ target.password is defined }} {{ target.pass is defined }}";
        let rendered = Environment::new().render_str(text, context! { target => target.value() }).expect("rendered");
        assert_eq!(rendered, "dev postgres s d d True False False");
    }
}
