//! How many rejected rows of a load are borne, and the words for too many.

use super::limit::Limit;
use crate::error::Error;
use crate::error::Result;
use crate::warehouse::load::{LoadCounts, LoadedFile, RejectedRow};

/// Reasons that a message shows.
const SHOWN: usize = 3;
/// Rejected rows, with none that fits, after which the rest of a file is not read.
const HOPELESS: u64 = 100_000;

/// The rejected rows of a load, counted; only the first are kept, for messages.
#[derive(Debug, Default)]
pub(super) struct Rejects {
    pub(super) count: u64,
    first: Vec<RejectedRow>,
    limit: Option<Limit>,
    /// The one column that all rejected rows name, as far as there is one.
    column: Option<String>,
    is_mixed: bool,
}

impl Rejects {
    pub(super) fn new(limit: Option<Limit>) -> Rejects {
        Rejects { limit, ..Rejects::default() }
    }

    /// Takes note of rejected rows; an error when they are too many already.
    pub(super) fn take(&mut self, rows: &[RejectedRow], rows_fit: u64, file: &LoadedFile) -> Result<()> {
        for row in rows {
            self.is_mixed |= self.count > 0 && self.column != row.column;
            self.column.clone_from(&row.column);
            self.count += 1;
            if self.first.len() < SHOWN {
                self.first.push(row.clone());
            }
        }
        if let Some(Limit::Rows(limit)) = self.limit
            && self.count > limit
        {
            return Err(self.over(file, &format!("{limit} rows")));
        }
        if rows_fit == 0 && self.count >= HOPELESS {
            return Err(self.no_row_fits(file, &format!("The first {} rows were rejected.", self.count)));
        }
        Ok(())
    }

    /// Once the file is read: whether so many rejected rows are borne.
    pub(super) fn judge(&self, rows_fit: u64, file: &LoadedFile) -> Result<()> {
        if self.count > 0 && rows_fit == 0 {
            return Err(self.no_row_fits(file, &format!("All of its {} rows were rejected.", self.count)));
        }
        match self.limit {
            Some(Limit::Share(share)) if self.count as f64 > share * (rows_fit + self.count) as f64 => {
                Err(self.over(file, &format!("{} % of the rows", share * 100.0)))
            }
            _ => Ok(()),
        }
    }

    /// Whether the rejected rows of a load that was settled, or stood before, are borne.
    pub(super) fn judge_counts(&mut self, counts: &LoadCounts, file: &LoadedFile) -> Result<()> {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        self.count = count(counts.rows_rejected);
        match self.limit {
            Some(Limit::Rows(limit)) if self.count > limit => Err(self.over(file, &format!("{limit} rows"))),
            Some(Limit::Share(_)) => self.judge(count(counts.rows_read - counts.rows_rejected), file),
            _ => Ok(()),
        }
    }

    fn no_row_fits(&self, file: &LoadedFile, fact: &str) -> Error {
        let which = match &self.column {
            Some(column) if !self.is_mixed => format!(" because of column \"{column}\""),
            _ => String::new(),
        };
        let message = format!("no row of file \"{}\" fits mapping \"{}\"{which}", file.short_name(), file.source);
        self.refusal(message, fact)
    }

    fn over(&self, file: &LoadedFile, limit: &str) -> Error {
        let message = format!("too many rows of file \"{}\" were rejected", file.short_name());
        self.refusal(message, &format!("At most {limit} are borne."))
    }

    fn refusal(&self, message: String, fact: &str) -> Error {
        let mut facts = vec![format!("{fact} Nothing was loaded.")];
        for row in &self.first {
            let column = row.column.as_ref().map(|column| format!(", column \"{column}\"")).unwrap_or_default();
            facts.push(format!("Line {}{column}: {}.", row.line, row.reason));
        }
        Error::failed(message).detail(facts.join("\n")).hint("correct the mapping, or the file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: i64) -> (LoadedFile, Vec<RejectedRow>) {
        let file = LoadedFile { source: "shop".into(), file_name: "orders.csv".into(), ..LoadedFile::default() };
        let row = |line| RejectedRow {
            line,
            column: Some("Qty".into()),
            reason: "\"x\" is not a number".into(),
            raw_text: "A,x".into(),
        };
        (file, (2..count + 2).map(row).collect())
    }

    #[test]
    fn a_file_without_a_fitting_row_is_refused_with_the_first_reasons() {
        let (file, mut rows) = rows(5);
        let mut rejects = Rejects::new(None);
        rejects.take(&rows, 0, &file).unwrap();
        insta::assert_snapshot!(rejects.judge(0, &file).unwrap_err().report());
        assert!(rejects.judge(1, &file).is_ok());
        rows[0].column = None;
        rejects.take(&rows, 0, &file).unwrap();
        assert_eq!(rejects.judge(0, &file).unwrap_err().message, "no row of file \"orders.csv\" fits mapping \"shop\"");
    }

    #[test]
    fn limits_are_held() {
        let (file, rows) = rows(3);
        let mut some = Rejects::new(Some(Limit::Rows(3)));
        assert!(some.take(&rows, 1, &file).is_ok());
        let error = some.take(&rows, 1, &file).unwrap_err();
        assert!(error.report().contains("At most 3 rows are borne."), "{}", error.report());
        let mut shares = Rejects::new(Some(Limit::Share(0.03)));
        shares.take(&rows, 97, &file).unwrap();
        assert!(shares.judge(97, &file).is_ok());
        let error = shares.judge(96, &file).unwrap_err();
        assert!(error.report().contains("At most 3 % of the rows are borne."), "{}", error.report());
        let counts = LoadCounts { rows_read: 100, rows_rejected: 4, ..LoadCounts::default() };
        assert!(shares.judge_counts(&counts, &file).is_err());
        assert!(shares.judge_counts(&LoadCounts { rows_rejected: 3, ..counts }, &file).is_ok());
    }

    #[test]
    fn a_file_that_does_not_fit_at_all_is_not_read_to_its_end() {
        let (file, rows) = rows(HOPELESS as i64);
        let error = Rejects::new(None).take(&rows, 0, &file).unwrap_err();
        assert!(error.report().contains("The first 100000 rows were rejected."), "{}", error.report());
        assert!(Rejects::new(None).take(&rows, 1, &file).is_ok());
    }
}
