//! Customers that another file lends, row by row, to a file that was made from it and lost its customers.

use super::file::OrderFile;
use super::mapping::{LentCustomer, Mapping};
use super::reader::RecordReader;
use crate::error::{Error, Result};
use std::sync::Arc;

/// The lending file, read in step with the one that is loaded.
pub(super) struct Lender {
    reader: RecordReader,
    place: usize,
    /// Names of the lending file and of the one that is loaded.
    names: (String, String),
}

fn open(lent: &LentCustomer, file: &OrderFile) -> Result<OrderFile> {
    let beside = file.path.parent().map(|folder| folder.join(&lent.file));
    let hint = "lent_customer.file of the mapping is looked for beside the file that is loaded";
    OrderFile::open(&beside.unwrap_or_else(|| lent.file.clone())).map_err(|e| e.hint(hint))
}

/// Makes the lending file part of what identifies a load: with other customers lent, the rows are others.
pub(super) fn note(mapping: &mut Mapping, file: &OrderFile) -> Result<()> {
    let Some(lent) = &mapping.lent_customer else { return Ok(()) };
    let lender = open(lent, file)?;
    let both = format!("{} {}", mapping.checksum, lender.checksum);
    mapping.checksum = blake3::hash(both.as_bytes()).to_hex().to_string();
    Ok(())
}

impl Lender {
    /// Opens the file that lends to this one, if the mapping names one.
    pub(super) fn of(mapping: &Mapping, file: &OrderFile) -> Result<Option<Lender>> {
        let Some(lent) = &mapping.lent_customer else { return Ok(None) };
        let lender = open(lent, file)?;
        let reader = RecordReader::open(&lender, &lent.format, Arc::default())?;
        let place = reader.header.iter().position(|name| *name == lent.column).ok_or_else(|| {
            Error::config(format!("file \"{}\" has no column \"{}\" to lend", lender.name, lent.column))
                .detail(format!("Its columns are: {}.", reader.header.join(", ")))
                .hint("correct lent_customer.column in the mapping")
        })?;
        Ok(Some(Lender { reader, place, names: (lender.name, file.name.clone()) }))
    }

    /// The customer of the next row; `None` where the lending file has no value.
    pub(super) fn next(&mut self) -> Result<Option<String>> {
        if !self.reader.advance()? {
            return Err(self.uneven("fewer"));
        }
        let lent = self.reader.record().get(self.place).unwrap_or_default();
        match std::str::from_utf8(lent) {
            Ok(text) if !text.contains('\0') => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
            _ => Err(Error::failed(format!("file \"{}\" cannot lend its customers", self.names.0))
                .detail(format!(
                    "Line {} holds a value that is not valid UTF-8. Nothing was loaded.",
                    self.reader.line()
                ))
                .hint("set lent_customer.encoding in the mapping")),
        }
    }

    /// Once the file is read: refuses a lending file that has rows left. Rows that do not correspond to the end do not
    /// correspond before it.
    pub(super) fn check_end(mut self) -> Result<()> {
        if self.reader.advance()? { Err(self.uneven("more")) } else { Ok(()) }
    }

    fn uneven(&self, how: &str) -> Error {
        let (lender, file) = &self.names;
        Error::failed(format!("file \"{lender}\" does not correspond to file \"{file}\""))
            .detail(format!("It has {how} rows, and lends its customers row by row. Nothing was loaded."))
            .hint("name the file that this one was made from")
    }
}
