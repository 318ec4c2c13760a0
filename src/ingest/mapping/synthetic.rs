//! `[synthetic_customer]`: customers for files that have none, out of a hash of what the row has.

use crate::ingest::hashtext::hashtext;

/// How customer ids are made up.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticCustomer {
    /// Which hash, and how its number is written.
    pub rule: CustomerHash,
    /// File columns that decide the customer.
    pub hash_of: Vec<String>,
    /// Number of customers made up.
    pub modulo: u64,
}

/// Rules that turn a hash into a customer id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerHash {
    /// `synthetic-042`: blake3 of the texts, modulo the number of customers.
    Blake3,
    /// `43`: `abs(hashtext(text) % modulo) + 1`, as the project `customer_360_platform` makes its customers up in SQL.
    /// Such ids look as real ones do; that they are not stands in `id_is_synthetic` only.
    Hashtext,
}

impl SyntheticCustomer {
    /// The customer of a row with these texts.
    #[must_use]
    pub fn customer(&self, texts: &[&str]) -> String {
        match self.rule {
            CustomerHash::Blake3 => {
                let width = (self.modulo - 1).to_string().len();
                format!("synthetic-{:0width$}", self.blake3(texts) % self.modulo)
            }
            CustomerHash::Hashtext => {
                // One text is there: the mapping is checked for it.
                let hash = hashtext(texts.first().copied().unwrap_or_default().as_bytes());
                // Without the sign first: the least of all numbers has no opposite of 32 bits.
                (u64::from(hash.unsigned_abs()) % self.modulo + 1).to_string()
            }
        }
    }

    fn blake3(&self, texts: &[&str]) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for text in texts {
            hasher.update(text.as_bytes());
            // A byte that no text holds, so that ("ab", "c") and ("a", "bc") differ.
            hasher.update(&[0xff]);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}
