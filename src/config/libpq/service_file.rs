//! `pg_service.conf`: named sets of connection parameters.

/// The parameters of the service `name`, if the file has it; the error names the line.
pub(in crate::config) fn find(text: &str, name: &str) -> Result<Option<Vec<(String, String)>>, String> {
    let mut found = None;
    let mut is_ours = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            // The first of two sections of one name counts.
            is_ours = section == name && found.is_none();
            if is_ours {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(pairs) = found.as_mut().filter(|_| is_ours) else { continue };
        if line.starts_with("ldap") {
            return Err(format!("line {number}: a look-up by LDAP is not supported"));
        }
        let (keyword, value) = line.split_once('=').ok_or(format!("line {number}: an equal sign is missing"))?;
        if keyword == "service" {
            return Err(format!("line {number}: a service cannot name another one"));
        }
        pairs.push((keyword.to_owned(), value.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::find;

    const FILE: &str =
        "# comment\n[mydb]\nhost=somehost\nport=5433\nuser=admin\n\n[other]\nhost=else\n[mydb]\nhost=late\n";

    #[test]
    fn the_manual_s_example_is_read() {
        let pairs = find(FILE, "mydb").expect("right").expect("there");
        let expected = [("host", "somehost"), ("port", "5433"), ("user", "admin")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(find(FILE, "nowhere").expect("right"), None);
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(find("[a]\nhost\n", "a").unwrap_err(), "line 2: an equal sign is missing");
        assert!(find("[a]\nservice=b\n", "a").unwrap_err().starts_with("line 2: a service"));
        assert_eq!(find("[b]\nhost\n[a]\n", "a"), Ok(Some(Vec::new())), "other services may be wrong");
    }
}
