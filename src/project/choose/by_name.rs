//! Names: `orders`, `shop.staging`, `staging.*`, `customers.v2`.

use super::Candidate;
use super::wildcard;

/// Whether the value names this node, with its package or without.
pub(super) fn matches(node: &dyn Candidate, value: &str) -> bool {
    let fqn: Vec<&str> = node.fqn().iter().map(String::as_str).collect();
    let is_versioned = node.resource_type() == "model" && node.version().is_some();
    is_named(&fqn, value, is_versioned) || is_named(fqn.get(1..).unwrap_or_default(), value, is_versioned)
}

fn is_named(fqn: &[&str], value: &str, is_versioned: bool) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let leaf = match (fqn, is_versioned) {
        ([.., name, version], true) => {
            // `customers.v2` and `customers_v2` are the same model.
            let tail = parts.len().saturating_sub(2);
            if parts[tail..].join("_") == format!("{name}_{version}") {
                return true;
            }
            name
        }
        ([.., name], _) => name,
        ([], _) => return false,
    };
    if *leaf == value {
        return true;
    }
    // A dot in a file's name parts it too.
    let flat: Vec<&str> = fqn.iter().flat_map(|part| part.split('.')).collect();
    if flat.len() < parts.len() {
        return false;
    }
    let Some(first_pattern) = parts.iter().position(|part| wildcard::is_pattern(part)) else {
        return flat[..parts.len()] == parts[..];
    };
    if flat[..first_pattern] != parts[..first_pattern] {
        return false;
    }
    // From the first pattern on, the rest of the name is one text, so that `staging.*` takes folders below too.
    wildcard::matches(&parts[first_pattern..].join("."), &flat[first_pattern..].join("."))
        || (parts.len() == 1 && wildcard::matches(value, leaf))
}
