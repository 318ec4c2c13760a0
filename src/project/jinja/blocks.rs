//! Finds the blocks that dbt defines: macros, tests, snapshots, materializations and docs.
//!
//! They are cut off before the template engine sees them, because it knows only `macro`, and because each macro becomes a
//! template of its own: `return()` then unwinds to the macro that called it and no further.

use super::fault::{Fault, Trouble};
use super::scan::{Part, PartKind, Scan, Token, TokenKind, scan};
use std::ops::Range;

/// What a block defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// `{% macro name(...) %}`
    Macro,
    /// `{% test name(...) %}` or `{% data_test name(...) %}`: a macro called `test_name`.
    Test,
    /// `{% snapshot name %}`
    Snapshot,
    /// `{% materialization name, adapter='postgres' %}`
    Materialization,
    /// `{% docs name %}`
    Docs,
}

/// One block of a file. Ranges are byte ranges of that file's text, so nothing needs to be moved or copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it defines.
    pub kind: BlockKind,
    /// Its name; a test's begins with `test_`, and a materialization's is dbt's `materialization_<name>_<adapter>`.
    pub name: String,
    /// The adapter of a materialization, `default` where none is named.
    pub adapter: Option<String>,
    /// The parenthesised parameters; for other blocks what follows the name.
    pub signature: Range<usize>,
    /// What stands between the opening and the closing tag.
    pub body: Range<usize>,
    /// All of it, with its tags.
    pub whole: Range<usize>,
    /// Line of the opening tag, from 1.
    pub start_line: usize,
}

/// The blocks of a file and the text that belongs to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Blocks in order.
    pub blocks: Vec<Block>,
    /// Ranges outside of blocks that hold more than comments and white space.
    pub outside: Vec<Range<usize>>,
}

/// Cuts a file into its blocks.
pub fn split(text: &str) -> Result<Split, Trouble> {
    let scanned = scan(text)?;
    let mut split = Split::default();
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut index = 0;
    while let Some(part) = scanned.parts.get(index) {
        let opening = opening(&scanned, text, part);
        let Some((kind, keyword)) = opening else {
            let blank = part.kind == PartKind::Comment || text[part.whole.clone()].trim().is_empty();
            if !blank {
                split.outside.push(part.whole.clone());
            }
            index += 1;
            continue;
        };
        let closing = if kind == BlockKind::Docs { index } else { closing(&scanned, text, index, keyword)? };
        let end = &scanned.parts[closing];
        let body = if kind == BlockKind::Docs { part.inside.clone() } else { part.whole.end..end.whole.start };
        let whole = part.whole.start..end.whole.end;
        let start_line = lines.at(whole.start);
        let head = head(kind, scanned.tokens_of(part), text, part)?;
        split.blocks.push(Block { kind, body, whole, start_line, ..head });
        index = closing + 1;
    }
    Ok(split)
}

/// Counts lines forwards, so that a file of many blocks is read once.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> usize {
        self.line += self.text.as_bytes()[self.at..offset].iter().filter(|b| **b == b'\n').count();
        self.at = offset;
        self.line
    }
}

fn opening<'a>(scanned: &Scan, text: &'a str, part: &Part) -> Option<(BlockKind, &'a str)> {
    if part.kind == PartKind::Docs {
        return Some((BlockKind::Docs, "docs"));
    }
    let keyword = scanned.keyword(text, part)?;
    let kind = match keyword {
        "macro" => BlockKind::Macro,
        "test" | "data_test" => BlockKind::Test,
        "snapshot" => BlockKind::Snapshot,
        "materialization" => BlockKind::Materialization,
        _ => return None,
    };
    Some((kind, keyword))
}

/// Index of the part that closes the block which opens at `index`.
fn closing(scanned: &Scan, text: &str, index: usize, keyword: &str) -> Result<usize, Trouble> {
    let mut depth = 0_usize;
    for (offset, part) in scanned.parts[index..].iter().enumerate() {
        let Some(word) = scanned.keyword(text, part) else { continue };
        if word == keyword {
            depth += 1;
        } else if word.strip_prefix("end") == Some(keyword) {
            depth -= 1;
        }
        if depth == 0 {
            return Ok(index + offset);
        }
    }
    Err(Fault::syntax(format!("`{{% end{keyword} %}}` is missing"), scanned.parts[index].whole.clone()))
}

/// Name, adapter and signature from the opening tag; the other fields are filled by the caller.
fn head(kind: BlockKind, tokens: &[Token], text: &str, part: &Part) -> Result<Block, Trouble> {
    let name = tokens
        .get(1)
        .filter(|token| token.kind == TokenKind::Name)
        .ok_or_else(|| Fault::syntax("the block has no name", part.whole.clone()))?;
    let bare = &text[name.range.clone()];
    let end = tokens.last().map_or(name.range.end, |token| token.range.end);
    let signature = tokens.get(2).map_or(end..end, |token| token.range.start..end);
    let mut adapter = None;
    let name = match kind {
        BlockKind::Test => format!("test_{bare}"),
        BlockKind::Materialization => {
            let named = tokens.windows(3).find(|three| &text[three[0].range.clone()] == "adapter");
            let named = named.map(|three| text[three[2].range.clone()].trim_matches(['\'', '"']));
            let adapter = &*adapter.insert(named.unwrap_or("default").to_owned());
            format!("materialization_{bare}_{adapter}")
        }
        _ => bare.to_owned(),
    };
    Ok(Block { kind, name, adapter, signature, body: 0..0, whole: 0..0, start_line: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_block_is_found_with_its_line() {
        let text = "{#- {% macro no() %} -#}\n{%- macro a(x, y=[1, ')']) -%}\n{% raw %}{% endmacro %}{% endraw %}\
            {{ '{% endmacro %}' }}\n{%- endmacro -%}\n{% test t(model) %}1{% endtest %}{% data_test u(model) %}2\
            {% enddata_test %}\n{% materialization m, adapter=\"postgres\" %}{% endmaterialization %}\
            {% materialization n, default %}{% endmaterialization %}\n{% snapshot s %}select 1{% endsnapshot %}\
            {% docs d %}it's {{ \" {% enddocs %} stray";
        let split = split(text).unwrap();
        let found: Vec<_> = split.blocks.iter().map(|b| (b.kind, b.name.as_str(), b.start_line)).collect();
        let expected = [
            (BlockKind::Macro, "a", 2),
            (BlockKind::Test, "test_t", 5),
            (BlockKind::Test, "test_u", 5),
            (BlockKind::Materialization, "materialization_m_postgres", 6),
            (BlockKind::Materialization, "materialization_n_default", 6),
            (BlockKind::Snapshot, "s", 7),
            (BlockKind::Docs, "d", 7),
        ];
        assert_eq!(found, expected);
        assert_eq!(&text[split.blocks[0].signature.clone()], "(x, y=[1, ')'])");
        assert_eq!(&text[split.blocks[6].body.clone()], "it's {{ \" ");
        let outside: Vec<_> = split.outside.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(outside, [" stray"]);
    }

    #[test]
    fn a_macro_inside_a_macro_does_not_end_it() {
        let text = "{% macro a() %}{% macro b() %}{% endmacro %}x{% endmacro %}";
        let split = split(text).unwrap();
        assert_eq!(split.blocks.len(), 1);
        assert_eq!(split.blocks[0].whole, 0..text.len());
    }

    #[test]
    fn a_block_without_end_or_name_is_told() {
        assert_eq!(split("{% macro a() %}").unwrap_err().message, "`{% endmacro %}` is missing");
        assert_eq!(split("{% test %}{% endtest %}").unwrap_err().message, "the block has no name");
    }
}
