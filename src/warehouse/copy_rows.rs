//! Rows of a binary COPY as bytes: written without an allocation for each value, sent in large pieces.

use super::connect::Client;
use super::fault::fault;
use crate::error::Result;
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::SinkExt;
use rust_decimal::Decimal;
use std::pin::Pin;
use tokio_postgres::CopyInSink;

/// Signature, flags and the length of the header's extension, which is empty.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A row of -1 columns is the end.
const TRAILER: &[u8] = &[0xff, 0xff];
/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH: i64 = 946_684_800_000_000;
/// A length of -1 stands for NULL.
const NULL: i32 = -1;
/// Most groups of four digits that a [`Decimal`] fills: 29 digits, and up to three zeros that complete the last group.
const MOST_GROUPS: usize = 9;

/// Rows on their way into a binary COPY.
///
/// A row is begun, filled value by value in the order of the COPY's columns, and kept by [`RowBuffer::keep_row`] or
/// dropped by [`RowBuffer::drop_row`]: what turns out to be unfit half-way leaves nothing.
#[derive(Debug, Default)]
pub struct RowBuffer {
    bytes: BytesMut,
    /// End of the last row that was kept.
    kept: usize,
    rows: u64,
}

impl RowBuffer {
    /// Begins a row of so many columns.
    pub fn begin_row(&mut self, columns: usize) {
        self.bytes.truncate(self.kept);
        self.bytes.put_i16(i16::try_from(columns).unwrap_or(i16::MAX));
    }

    /// Keeps the row that was begun.
    pub fn keep_row(&mut self) {
        self.kept = self.bytes.len();
        self.rows += 1;
    }

    /// Drops the row that was begun.
    pub fn drop_row(&mut self) {
        self.bytes.truncate(self.kept);
    }

    /// Bytes of the rows that were kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept
    }

    /// No row was kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Hands out the kept rows and their number, and begins anew; the memory comes back when they are sent.
    pub fn take(&mut self) -> (Bytes, u64) {
        self.bytes.truncate(self.kept);
        self.kept = 0;
        (self.bytes.split().freeze(), std::mem::take(&mut self.rows))
    }

    /// NULL.
    pub fn null(&mut self) {
        self.bytes.put_i32(NULL);
    }

    /// `text`
    pub fn text(&mut self, text: &str) {
        // Fields are bounded far below two gigabytes.
        self.bytes.put_i32(i32::try_from(text.len()).unwrap_or(i32::MAX));
        self.bytes.put_slice(text.as_bytes());
    }

    /// `text`, or NULL.
    pub fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// `boolean`
    pub fn flag(&mut self, flag: bool) {
        self.bytes.put_i32(1);
        self.bytes.put_u8(u8::from(flag));
    }

    /// `integer`
    pub fn integer(&mut self, number: i32) {
        self.bytes.put_i32(4);
        self.bytes.put_i32(number);
    }

    /// Leaves room for an `integer` that is known later, and returns its place.
    pub fn leave_integer(&mut self) -> usize {
        let place = self.bytes.len();
        self.integer(0);
        place
    }

    /// Fills the room of [`RowBuffer::leave_integer`].
    pub fn fill_integer(&mut self, place: usize, number: i32) {
        let start = place + 4;
        if let Some(room) = self.bytes.get_mut(start..start + 4) {
            room.copy_from_slice(&number.to_be_bytes());
        }
    }

    /// `bigint`
    pub fn bigint(&mut self, number: i64) {
        self.bytes.put_i32(8);
        self.bytes.put_i64(number);
    }

    /// `timestamptz`
    pub fn instant(&mut self, instant: DateTime<Utc>) {
        self.bigint(instant.timestamp_micros() - EPOCH);
    }

    /// `date`
    pub fn date(&mut self, date: NaiveDate) {
        let beginning = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
        self.integer(i32::try_from((date - beginning).num_days()).unwrap_or(i32::MAX));
    }

    /// `numeric`, with all its digits and the zeros at its end.
    pub fn number(&mut self, number: Decimal) {
        let scale = number.scale();
        // The server groups digits by four, counted from the point.
        let fraction_groups = scale.div_ceil(4);
        let mut left = number.mantissa().unsigned_abs() * 10_u128.pow(fraction_groups * 4 - scale);
        let mut groups = [0_i16; MOST_GROUPS];
        let mut first = MOST_GROUPS;
        let mut group = |digits: i16| {
            first -= 1;
            groups[first] = digits;
        };
        while left > u128::from(u64::MAX) {
            group((left % 10_000) as i16);
            left /= 10_000;
        }
        let mut left = left as u64;
        while left > 0 {
            group((left % 10_000) as i16);
            left /= 10_000;
        }
        let count = MOST_GROUPS - first;
        let mut end = MOST_GROUPS;
        while end > first && groups[end - 1] == 0 {
            end -= 1;
        }
        let written = end - first;
        let weight = if written == 0 { 0 } else { count as i16 - fraction_groups as i16 - 1 };
        let is_negative = number.is_sign_negative() && written > 0;
        self.bytes.put_i32(8 + 2 * written as i32);
        self.bytes.put_i16(written as i16);
        self.bytes.put_i16(weight);
        self.bytes.put_u16(if is_negative { 0x4000 } else { 0 });
        self.bytes.put_i16(scale as i16);
        for digits in &groups[first..end] {
            self.bytes.put_i16(*digits);
        }
    }
}

/// A running binary COPY that takes whole rows as bytes. Dropped before [`RowCopy::finish`], the server discards them.
pub(super) struct RowCopy {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    doing: String,
}

impl RowCopy {
    /// Starts `COPY ... FROM STDIN (FORMAT binary)`; `doing` is the start of the message of a failure.
    pub(super) async fn start(client: &Client, copy: &str, doing: &str) -> Result<RowCopy> {
        let sink = client.copy_in(copy).await.map_err(|e| fault(doing, &e))?;
        let mut copy = RowCopy { sink: Box::pin(sink), doing: doing.to_owned() };
        copy.send(Bytes::from_static(HEADER)).await?;
        Ok(copy)
    }

    /// Sends rows.
    pub(super) async fn send(&mut self, rows: Bytes) -> Result<()> {
        self.sink.feed(rows).await.map_err(|e| fault(&self.doing, &e))
    }

    /// Ends the COPY and returns the number of rows that the server took.
    pub(super) async fn finish(mut self) -> Result<u64> {
        self.send(Bytes::from_static(TRAILER)).await?;
        self.sink.as_mut().finish().await.map_err(|e| fault(&self.doing, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio_postgres::types::{ToSql, Type};

    /// The driver's own bytes of a number, with their length before them.
    fn reference(number: Decimal) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        number.to_sql(&Type::NUMERIC, &mut bytes).unwrap();
        [&i32::try_from(bytes.len()).unwrap().to_be_bytes()[..], &bytes].concat()
    }

    fn ours(number: Decimal) -> Vec<u8> {
        let mut rows = RowBuffer::default();
        rows.begin_row(1);
        rows.number(number);
        rows.keep_row();
        rows.take().0[2..].to_vec()
    }

    /// What the bytes say: digits times powers of ten thousand, and the scale.
    fn value(bytes: &[u8]) -> (Decimal, i16) {
        let word = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (count, weight, sign, scale) = (word(4), word(6), word(8), word(10));
        // Group `index` stands before the point while `index <= weight`; groups that are not written are zeros.
        let group = |index: i16| if (0..count).contains(&index) { word(12 + 2 * index as usize) } else { 0 };
        let whole: String = (0..=weight).map(|index| format!("{:04}", group(index))).collect();
        let fraction: String = (1..=scale / 4 + 1).map(|place| format!("{:04}", group(weight + place))).collect();
        let digits: i128 = format!("0{whole}{}", &fraction[..scale as usize]).parse().unwrap();
        let signed = if sign == 0x4000 { -digits } else { digits };
        (Decimal::from_i128_with_scale(signed, scale as u32), scale)
    }

    #[test]
    fn numbers_are_as_the_driver_writes_them() {
        for text in ["0", "1", "-1", "10001", "0.0001", "12.3450", "-80995", "168469.60", "99999999.99", "0.05", "1e-9"]
        {
            let number: Decimal = text.parse().or_else(|_| Decimal::from_scientific(text)).unwrap();
            assert_eq!(ours(number), reference(number), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_keeps_its_value_and_scale(low: u32, mid: u32, high: u32, is_negative: bool, scale in 0_u32..=28) {
            let number = Decimal::from_parts(low, mid, high, is_negative, scale);
            let (value, told) = value(&ours(number));
            prop_assert_eq!(value, number);
            prop_assert_eq!(told as u32, scale);
        }
    }

    #[test]
    fn a_row_that_is_dropped_leaves_nothing() {
        let mut rows = RowBuffer::default();
        rows.begin_row(2);
        rows.text("kept");
        rows.null();
        rows.keep_row();
        rows.begin_row(2);
        rows.text("dropped");
        rows.drop_row();
        let (bytes, count) = rows.take();
        assert_eq!((&bytes[..], count), (&b"\0\x02\0\0\0\x04kept\xff\xff\xff\xff"[..], 1));
        assert!(rows.is_empty() && rows.len() == 0);
    }
}
