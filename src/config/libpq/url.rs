//! The URL form of a connection string: `postgresql://user:password@host1:port1,host2:port2/dbname?keyword=value`.

/// The text behind `postgres://` or `postgresql://`, if that is how it begins.
pub(super) fn without_scheme(text: &str) -> Option<&str> {
    ["postgresql://", "postgres://"].iter().find_map(|scheme| text.strip_prefix(scheme))
}

/// A URL, without its scheme, as pairs; the error is a sentence without values.
pub(super) fn parse(rest: &str) -> Result<Vec<(String, String)>, String> {
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let (authority, database) =
        place.split_once('/').map_or((place, ""), |(authority, database)| (authority, database));
    let mut pairs = Vec::new();
    let mut push = |name: &str, value: &str| -> Result<(), String> {
        if !value.is_empty() {
            pairs.push((name.to_owned(), decode(value, name)?));
        }
        Ok(())
    };
    let (login, hosts) = authority.rsplit_once('@').map_or(("", authority), |(login, hosts)| (login, hosts));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    push("user", user)?;
    push("password", password)?;
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = host_and_port(host)?;
        names.push(name);
        ports.push(port);
    }
    push("host", &list(&names))?;
    push("port", &list(&ports))?;
    push("dbname", database)?;
    for parameter in query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter
            .split_once('=')
            .ok_or_else(|| "an equal sign is missing in the parameters behind \"?\"".to_owned())?;
        let name = decode(name, "a keyword")?;
        let value = decode(value, &name)?;
        // As other drivers write it.
        if name == "ssl" && value == "true" {
            pairs.push(("sslmode".into(), "require".into()));
        } else {
            pairs.push((name, value));
        }
    }
    Ok(pairs)
}

/// With commas between; nothing where all are empty.
fn list(items: &[&str]) -> String {
    if items.iter().all(|item| item.is_empty()) { String::new() } else { items.join(",") }
}

/// `[::1]:5433`, `db.example.com:5433`, `%2Fvar%2Frun%2Fpostgresql`, or nothing.
fn host_and_port(host: &str) -> Result<(&str, &str), String> {
    let (name, port) = if let Some(rest) = host.strip_prefix('[') {
        let (name, after) = rest.split_once(']').ok_or("an IPv6 address lacks its closing bracket")?;
        match after.strip_prefix(':') {
            Some(port) => (name, port),
            None if after.is_empty() => (name, ""),
            None => return Err("something stands between an IPv6 address and its port".into()),
        }
    } else {
        host.split_once(':').unwrap_or((host, ""))
    };
    Ok((name, port))
}

/// Takes percent signs off; what is no UTF-8 or holds a NUL is refused.
fn decode(text: &str, name: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| (digit as char).to_digit(16)));
        match digits {
            // Two digits of 16 fit into a byte.
            [Some(high), Some(low)] if high + low > 0 => bytes.push((high * 16 + low) as u8),
            _ => return Err(format!("{name} has a percent sign without two hexadecimal digits; write %25 for \"%\"")),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::{parse, without_scheme};

    fn told(url: &str) -> String {
        let rest = without_scheme(url).expect("a URL");
        let pairs = parse(rest).unwrap_or_else(|e| panic!("{url}: {e}"));
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_manual_s_examples_are_read() {
        for (url, expected) in [
            ("postgresql://", ""),
            ("postgresql://localhost", "host=localhost"),
            ("postgresql://localhost:5433", "host=localhost port=5433"),
            ("postgresql://localhost/mydb", "host=localhost dbname=mydb"),
            ("postgresql://user@localhost", "user=user host=localhost"),
            ("postgresql://user:secret@localhost", "user=user password=secret host=localhost"),
            (
                "postgresql://other@localhost/otherdb?connect_timeout=10&application_name=myapp",
                "user=other host=localhost dbname=otherdb connect_timeout=10 application_name=myapp",
            ),
            (
                "postgresql://host1:123,host2:456/somedb?target_session_attrs=any&application_name=myapp",
                "host=host1,host2 port=123,456 dbname=somedb target_session_attrs=any application_name=myapp",
            ),
            (
                "postgresql://user@localhost:5433/mydb?options=-c%20synchronous_commit%3Doff",
                "user=user host=localhost port=5433 dbname=mydb options=-c synchronous_commit=off",
            ),
            ("postgresql:///mydb?host=localhost&port=5433", "dbname=mydb host=localhost port=5433"),
            ("postgresql://[2001:db8::1234]/database", "host=2001:db8::1234 dbname=database"),
            ("postgresql:///dbname?host=/var/lib/postgresql", "dbname=dbname host=/var/lib/postgresql"),
            ("postgresql://%2Fvar%2Flib%2Fpostgresql/dbname", "host=/var/lib/postgresql dbname=dbname"),
            ("postgres://a,b:2,[::1]:3/d", "host=a,b,::1 port=,2,3 dbname=d"),
            ("postgres://u:p%40%3A%2F@h/d?ssl=true", "user=u password=p@:/ host=h dbname=d sslmode=require"),
        ] {
            assert_eq!(told(url), expected, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_without_values() {
        let refusal = |url: &str| parse(without_scheme(url).expect("a URL")).expect_err("refused");
        assert!(refusal("postgres://u:100%@h/d").starts_with("password has a percent sign without two"));
        assert!(refusal("postgres://u:%00@h/d").starts_with("password has a percent sign"));
        assert!(refusal("postgres://u:%ff@h/d").contains("not UTF-8"));
        assert!(refusal("postgres://[::1/d").contains("closing bracket"));
        assert!(refusal("postgres://h/d?sslmode").contains("equal sign"));
    }
}
