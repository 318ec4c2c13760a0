//! `grants` of a configuration: the named privileges are held by the named roles and no others; the rest is untouched.

use super::session::Session;
use crate::error::Result;
use crate::project::{RelationName, quote_identifier};
use crate::warehouse::statement::qualified;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::types::Type;

/// Roles by privilege: `select` to `reader`, `analyst`.
pub type Grants = BTreeMap<String, Vec<String>>;

/// Makes the grants so, with the fewest statements; the statements that were run. Call it in the transaction of the
/// build, after the swap.
pub async fn apply(session: &Session, name: &RelationName, grants: &Grants) -> Result<Vec<String>> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    let relation = qualified(&name.schema, &name.identifier);
    let sql =
        "SELECT lower(x.privilege_type), CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee) END::text
        FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS x
        WHERE c.oid = pg_catalog.to_regclass($1) AND x.grantee <> c.relowner";
    let rows = session.rows("grants cannot be read", sql, &[(&relation, Type::TEXT)]).await?;
    let held: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let statements = statements(&relation, grants, &held);
    if !statements.is_empty() {
        session.batch(&format!("grants on {relation} cannot be made"), &statements.join(";\n")).await?;
    }
    Ok(statements)
}

fn statements(relation: &str, grants: &Grants, held: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut statements = Vec::new();
    for (privilege, roles) in grants {
        let privilege = privilege.to_lowercase();
        let is_word = privilege.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
        // Quoted, a wrong word becomes the server's error and never a statement.
        let word = if is_word { privilege.clone() } else { quote_identifier(&privilege) };
        let has = |role: &str| held.contains(&(privilege.clone(), role.to_owned()));
        let listed = |roles: &[&str]| roles.iter().map(|r| grantee(r)).collect::<Vec<_>>().join(", ");
        let missing: Vec<&str> = roles.iter().map(String::as_str).filter(|role| !has(role)).collect();
        let surplus: Vec<&str> = held
            .iter()
            .filter(|(p, role)| *p == privilege && !roles.contains(role))
            .map(|(_, role)| role.as_str())
            .collect();
        if !surplus.is_empty() {
            statements.push(format!("REVOKE {word} ON {relation} FROM {}", listed(&surplus)));
        }
        if !missing.is_empty() {
            statements.push(format!("GRANT {word} ON {relation} TO {}", listed(&missing)));
        }
    }
    statements
}

fn grantee(role: &str) -> String {
    if role.eq_ignore_ascii_case("public") { "PUBLIC".into() } else { quote_identifier(role) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_granted_or_revoked() {
        let grants = Grants::from([("select".into(), vec!["a".into(), "b".into()]), ("insert".into(), vec![])]);
        let held = [("select", "b"), ("select", "c"), ("insert", "b"), ("update", "z")];
        let held = held.map(|(p, r)| (p.to_owned(), r.to_owned())).into();
        let expected = ["REVOKE insert ON t FROM \"b\"", "REVOKE select ON t FROM \"c\"", "GRANT select ON t TO \"a\""];
        assert_eq!(statements("t", &grants, &held), expected);
    }
}
