//! How many rejected rows are borne: `100` rows, or `0.5%` of them.

use crate::error::{Error, Result};

/// A number of rows or a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// So many rows.
    Rows(u64),
    /// Such a share of the rows, 0 to 1.
    Share(f64),
}

impl std::str::FromStr for Limit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Limit> {
        let read = match text.trim().strip_suffix('%') {
            Some(percent) => percent
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|p| (0.0..=100.0).contains(p))
                .map(|p| Limit::Share(p / 100.0)),
            None => text.trim().parse().ok().map(Limit::Rows),
        };
        read.ok_or_else(|| {
            Error::usage(format!("limit \"{text}\" cannot be read"))
                .hint("write a number of rows as 100, or a share as 0.5%")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn rows_and_shares_are_read() {
        assert_eq!("0".parse::<Limit>().unwrap(), Limit::Rows(0));
        assert_eq!(" 2.5 %".parse::<Limit>().unwrap(), Limit::Share(0.025));
        for wrong in ["", "-1", "101%", "NaN%", "%", "1.5"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
