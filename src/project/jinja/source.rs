//! A template's original text beside the text that the engine gets, and the way back from one to the other.

use std::ops::Range;
use std::sync::Arc;

/// A run of bytes of the rewritten text: copied from the original, or put in at one place of it.
#[derive(Clone, Copy, Debug)]
struct Segment {
    rewritten: usize,
    original: usize,
    copied: bool,
}

/// Where each byte of a rewritten text comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    segments: Vec<Segment>,
}

/// The rewritten text while it grows.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The text so far.
    pub text: String,
    origin: Origin,
}

impl Writer {
    /// Appends the original's bytes of `range`.
    pub fn copy(&mut self, original: &str, range: Range<usize>) {
        if !range.is_empty() {
            self.origin.segments.push(Segment { rewritten: self.text.len(), original: range.start, copied: true });
            self.text.push_str(&original[range]);
        }
    }

    /// Appends text that stands for what is at `original`.
    pub fn insert(&mut self, text: &str, original: usize) {
        if !text.is_empty() {
            self.origin.segments.push(Segment { rewritten: self.text.len(), original, copied: false });
            self.text.push_str(text);
        }
    }

    /// Text and origins.
    pub fn finish(self) -> (String, Origin) {
        (self.text, self.origin)
    }
}

impl Origin {
    /// The original offset of a rewritten one.
    pub fn original(&self, rewritten: usize) -> usize {
        let after = self.segments.partition_point(|segment| segment.rewritten <= rewritten);
        match after.checked_sub(1).map(|index| self.segments[index]) {
            Some(segment) if segment.copied => segment.original + (rewritten - segment.rewritten),
            Some(segment) => segment.original,
            None => rewritten,
        }
    }
}

/// A template's two texts; `text` is that of its whole file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name that the engine knows it by.
    pub name: String,
    /// Path of the file.
    pub path: Arc<str>,
    /// The file's text.
    pub text: Arc<str>,
    /// Where in the file the template begins.
    pub base: usize,
    /// What the engine gets.
    pub rewritten: String,
    /// The way back.
    pub origin: Origin,
}

impl Source {
    /// A range of the rewritten text in the original.
    pub(super) fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let clamp = |offset: usize| (self.base + offset).min(self.text.len());
        let start = clamp(self.origin.original(range.start));
        // The last byte is mapped, not the end, which may belong to what was put in behind.
        let last = range.end.saturating_sub(1).max(range.start);
        start..clamp(self.origin.original(last) + 1).max(start)
    }

    /// The original place of a line of the rewritten text.
    pub(super) fn original_line(&self, line: usize) -> Range<usize> {
        let start = match line.checked_sub(2) {
            None => 0,
            Some(skipped) => self.rewritten.match_indices('\n').nth(skipped).map_or(0, |(index, _)| index + 1),
        };
        let start = (self.base + self.origin.original(start)).min(self.text.len());
        start..start
    }
}
