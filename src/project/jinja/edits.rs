//! Small changes to a text, collected in any order and applied in one pass that remembers where each byte came from.

use super::source::Writer;
use std::borrow::Cow;
use std::ops::Range;

/// At one offset, what closes comes before what opens, and both before what replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Close,
    Open,
    Replace,
}

#[derive(Clone, Debug)]
struct Edit {
    at: usize,
    class: Class,
    removed: usize,
    text: Cow<'static, str>,
}

/// Changes to a text.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: Vec<Edit>,
}

impl Edits {
    /// Puts `text` in front of the expression that begins at `at`; of two at one place, the later is the outer one.
    pub fn open(&mut self, at: usize, text: impl Into<Cow<'static, str>>) {
        self.push(at, Class::Open, 0, text.into());
    }

    /// Puts `text` behind the expression that ends at `at`; of two at one place, the later is the outer one.
    pub fn close(&mut self, at: usize, text: impl Into<Cow<'static, str>>) {
        self.push(at, Class::Close, 0, text.into());
    }

    /// Replaces the bytes of `range`.
    pub fn replace(&mut self, range: &Range<usize>, text: impl Into<Cow<'static, str>>) {
        self.push(range.start, Class::Replace, range.len(), text.into());
    }

    fn push(&mut self, at: usize, class: Class, removed: usize, text: Cow<'static, str>) {
        self.edits.push(Edit { at, class, removed, text });
    }

    /// A point to come back to.
    pub fn mark(&self) -> usize {
        self.edits.len()
    }

    /// Forgets all changes since the mark.
    pub fn back_to(&mut self, mark: usize) {
        self.edits.truncate(mark);
    }

    /// Copies `range` of `text` with the changes.
    pub fn apply(self, text: &str, range: Range<usize>, writer: &mut Writer) {
        let mut order: Vec<(usize, Edit)> = self.edits.into_iter().enumerate().collect();
        order.sort_by_key(|(index, edit)| {
            let inner_first = isize::try_from(*index).unwrap_or(isize::MAX);
            (edit.at, edit.class, if edit.class == Class::Open { -inner_first } else { inner_first })
        });
        let mut at = range.start;
        for (_, edit) in order {
            if edit.at < at {
                // Inside of something that was replaced as a whole.
                continue;
            }
            writer.copy(text, at..edit.at);
            writer.insert(&edit.text, edit.at);
            at = edit.at + edit.removed;
        }
        writer.copy(text, at..range.end.max(at));
    }
}
