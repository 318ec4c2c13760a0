//! `.pgpass`: passwords by host, port, database and user.

/// The password of the first line that fits. Every field may be `*`; a backslash takes the next character as it is.
pub(in crate::config) fn find(text: &str, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
    let port = port.to_string();
    let wanted = [host, &port, database, user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let fits = |(field, wanted): (&String, &&str)| field == "*" || field == wanted;
        let is_right = fields.len() == 5 && fields.iter().zip(&wanted).all(fits);
        is_right.then(|| fields[4].clone()).filter(|password| !password.is_empty())
    })
}

/// Five fields at most: the colons of the last one need no backslash.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let is_last = fields.len() == 5;
        match c {
            ':' if !is_last => fields.push(String::new()),
            c => {
                let c = if c == '\\' { rest.next().unwrap_or('\\') } else { c };
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# host:port:database:user:password\ndb:5432:shop:ann:first\n*:*:shop:ann:second\n*:*:*:*:last\n";
        assert_eq!(find(text, "db", 5432, "shop", "ann").as_deref(), Some("first"));
        assert_eq!(find(text, "db", 5433, "shop", "ann").as_deref(), Some("second"));
        assert_eq!(find(text, "x", 1, "y", "z").as_deref(), Some("last"));
        assert_eq!(find("db:5432:shop:ann:p\n", "db", 5432, "shop", "bob"), None);
    }

    #[test]
    fn backslashes_protect_colons_and_themselves() {
        let text = r"2001\:db8\:\:1:*:*:*:pa:ss\\wo\rd";
        assert_eq!(find(text, "2001:db8::1", 5432, "d", "u").as_deref(), Some(r"pa:ss\word"));
        assert_eq!(find("too:few:fields\nh:1:d:u:\n", "h", 1, "d", "u"), None);
    }
}
