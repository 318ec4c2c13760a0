//! Files of a generated shop, and the truth beside them.
//!
//! | file | what it knows |
//! |---|---|
//! | `ordered` | work on many threads, results in their order |
//! | `rows`, `csv_rows`, `parquet_rows` | rows on their way into a file |
//! | `tables`, `campaign_tables` | columns, and the rows of each thing |
//! | `people` | customers, their truth, and how many events each day has |
//! | `orders` | order lines by time, a window of days after the other |
//! | `load` | the files into the database, by the way of all files |
//!
//! The same parameters give the same bytes, whatever the number of threads. No step holds more than a window of events
//! and a few bundles of rows, whatever the number of customers.

mod campaign_tables;
mod csv_rows;
mod load;
mod ordered;
mod orders;
mod parquet_rows;
mod people;
mod rows;
mod tables;

pub use load::load;

use crate::analytics::generate::{Parameters, Shop};
use crate::error::{Error, Result};
use rows::{RowFile, Rows, Table};
use std::path::{Path, PathBuf};

/// How the files are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated text.
    #[default]
    Csv,
    /// Parquet, packed by Zstandard.
    Parquet,
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// What decides the files.
    pub parameters: Parameters,
    /// Folder of the files; made where it is missing.
    pub folder: PathBuf,
    /// How they are written.
    pub format: FileFormat,
    /// Threads that make rows.
    pub threads: usize,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct GeneratedFile {
    /// Name of the table.
    pub table: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Order lines written so far, and events of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenerateProgress {
    /// Order lines written.
    pub lines: u64,
    /// Orders and returns written.
    pub events: u64,
    /// Orders and returns there will be.
    pub events_total: u64,
}

/// Writes all files of a shop into the folder, and tells them in the order orders, customers, products, campaigns, members,
/// truth. Files that are there already are replaced if they were generated, each at once.
///
/// # Errors
/// Parameters out of range, a folder that holds other files of these names, a disk that is full.
pub fn write(request: &GenerateRequest, progress: &mut dyn FnMut(GenerateProgress)) -> Result<Vec<GeneratedFile>> {
    let shop = Shop::new(request.parameters.clone())?;
    match request.format {
        FileFormat::Csv => Writer::<csv_rows::CsvFile>::new(request, &shop)?.write(progress),
        FileFormat::Parquet => Writer::<parquet_rows::ParquetFile>::new(request, &shop)?.write(progress),
    }
}

/// Files of one shop in one format.
struct Writer<'a, F: RowFile> {
    shop: &'a Shop,
    folder: &'a Path,
    threads: usize,
    files: Vec<GeneratedFile>,
    format: std::marker::PhantomData<F>,
}

impl<'a, F: RowFile> Writer<'a, F> {
    fn new(request: &'a GenerateRequest, shop: &'a Shop) -> Result<Self> {
        let folder = &request.folder;
        let path = |table: &Table| folder.join(format!("{}.{}", table.name, F::ENDING));
        if path(&tables::ORDERS).exists() && !path(&campaign_tables::TRUTH_PARAMETERS).exists() {
            return Err(Error::usage(format!("folder \"{}\" holds orders that were not generated", folder.display()))
                .hint("name another folder with --out"));
        }
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::failed(format!("folder \"{}\" cannot be made", folder.display())).source(e))?;
        Ok(Writer { shop, folder, threads: request.threads, files: Vec::new(), format: std::marker::PhantomData })
    }

    fn write(mut self, progress: &mut dyn FnMut(GenerateProgress)) -> Result<Vec<GeneratedFile>> {
        // First, so that a folder whose orders are half-written is known as ours.
        let parameters = serde_json::to_value(self.shop.parameters())
            .map_err(|e| Error::failed("parameters cannot be written").source(e))?;
        self.small(&campaign_tables::TRUTH_PARAMETERS, |rows| campaign_tables::parameter_rows(rows, "", &parameters))?;
        let people = self.people()?;
        let responses = self.members()?;
        let shop = self.shop;
        self.small(&campaign_tables::CAMPAIGNS, |rows| {
            campaign_tables::campaign_rows(rows, shop, &people.acquired, &responses);
        })?;
        self.small(&campaign_tables::TRUTH_CAMPAIGNS, |rows| {
            (0..).zip(&responses).for_each(|(campaign, response)| response.rows(rows, shop, campaign));
        })?;
        self.small(&campaign_tables::TRUTH_CHANNELS, |rows| {
            campaign_tables::channel_rows(rows, &people.channels);
        })?;
        self.small(&tables::PRODUCTS, |rows| {
            shop.catalogue().products().iter().for_each(|product| tables::product_row(rows, shop, product));
        })?;
        self.orders(&people.events_of_day, progress)?;
        let place = |table: &str| ORDER.iter().position(|named| named.name == table);
        self.files.sort_by_key(|file| place(file.table));
        Ok(self.files)
    }

    /// A table that fits into memory.
    fn small(&mut self, table: &'static Table, fill: impl FnOnce(&mut F::Rows)) -> Result<()> {
        let mut output = self.create(table)?;
        let mut rows = F::Rows::new(table);
        fill(&mut rows);
        rows.seal();
        output.append(rows)?;
        self.keep(output)
    }

    fn create(&self, table: &'static Table) -> Result<Output<F>> {
        let path = self.folder.join(format!("{}.{}", table.name, F::ENDING));
        let unfinished = self.folder.join(format!("{}.{}.unfinished", table.name, F::ENDING));
        Ok(Output { file: F::create(&unfinished, table)?, table, path, unfinished, rows: 0 })
    }

    /// Gives a complete file its name.
    fn keep(&mut self, output: Output<F>) -> Result<()> {
        let Output { file, table, path, unfinished, rows } = output;
        file.finish()?;
        let fault = |e| Error::failed(format!("file \"{}\" cannot be written", path.display())).source(e);
        std::fs::rename(&unfinished, &path).map_err(fault)?;
        let bytes = std::fs::metadata(&path).map_err(fault)?.len();
        self.files.push(GeneratedFile { table: table.name, path: path.clone(), rows, bytes });
        Ok(())
    }
}

/// Tables in the order in which they are told.
static ORDER: [&Table; 9] = [
    &tables::ORDERS,
    &tables::CUSTOMERS,
    &tables::PRODUCTS,
    &campaign_tables::CAMPAIGNS,
    &campaign_tables::CAMPAIGN_MEMBERS,
    &tables::TRUTH_CUSTOMERS,
    &campaign_tables::TRUTH_CAMPAIGNS,
    &campaign_tables::TRUTH_CHANNELS,
    &campaign_tables::TRUTH_PARAMETERS,
];

/// A file under another name until it is complete, so that no half of one is taken for the whole.
struct Output<F: RowFile> {
    file: F,
    table: &'static Table,
    path: PathBuf,
    unfinished: PathBuf,
    rows: u64,
}

impl<F: RowFile> Output<F> {
    fn append(&mut self, rows: F::Rows) -> Result<()> {
        self.rows += rows.count();
        self.file.append(rows)
    }
}
