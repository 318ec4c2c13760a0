//! Versions: requirements such as `>=1.0.0`, as in `require-dbt-version`, and the order of a model's versions.

use std::cmp::Ordering;

/// The version of dbt whose behaviour Quintile has; what a project's requirement is compared with.
pub const DBT_VERSION: &str = "1.11.0";

/// Whether `version` meets all the specifiers; an error names the specifier that cannot be read.
pub fn satisfies(version: &str, specifiers: &[String]) -> Result<bool, String> {
    let have = numbers(version).ok_or_else(|| version.to_owned())?;
    let mut all = true;
    for specifier in specifiers.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|s| !s.is_empty()) {
        let digits_at = specifier.find(|c: char| !"<>=".contains(c)).unwrap_or(specifier.len());
        let (operator, text) = specifier.split_at(digits_at);
        let wanted = numbers(text).ok_or_else(|| specifier.to_owned())?;
        all &= match operator {
            "" | "=" | "==" => have == wanted,
            ">=" => have >= wanted,
            ">" => have > wanted,
            "<=" => have <= wanted,
            "<" => have < wanted,
            _ => return Err(specifier.to_owned()),
        };
    }
    Ok(all)
}

/// The order of two versions of a model: numbers as numbers, anything else as text.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

/// Major, minor and patch; what follows a dash or a plus does not count.
fn numbers(text: &str) -> Option<[u64; 3]> {
    let core = text.trim().trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = core.split('.');
    let mut numbers = [0; 3];
    for (place, number) in numbers.iter_mut().enumerate() {
        *number = match parts.next() {
            // `1.0.0rc1` is how Python marks candidates.
            Some(part) => part.split(|c: char| c.is_ascii_alphabetic()).next()?.parse().ok()?,
            None if place > 0 => 0,
            None => return None,
        };
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_a_model_compare_as_numbers_where_they_are() {
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("1.0", "1"), Ordering::Equal);
        assert_eq!(compare("10", "beta"), Ordering::Less);
    }

    #[test]
    fn specifiers_compare_number_by_number() {
        let cases: [(&[&str], Result<bool, String>); 8] = [
            (&[">=1.0.0", "<2.0.0"], Ok(true)),
            (&[">=1.0.0,<1.10.0"], Ok(false)),
            (&[">=1.9.0"], Ok(true)),
            (&["1.11.0"], Ok(true)),
            (&["=1.11.0rc1"], Ok(true)),
            (&[], Ok(true)),
            (&["~1.0"], Err("~1.0".into())),
            (&[">=new"], Err(">=new".into())),
        ];
        for (specifiers, expected) in cases {
            let specifiers: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
            assert_eq!(satisfies(DBT_VERSION, &specifiers), expected, "{specifiers:?}");
        }
    }
}
