//! Shell patterns: `*` any text, `?` one letter, `[ab]` one of these, `[!ab]` none of these.

/// Whether the pattern has anything but plain letters.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', ']'])
}

/// Whether the whole text fits the pattern. Slashes and dots are letters like others.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stands and how much it has swallowed: the only place worth going back to.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some(next) = one(&pattern, p, text[t]) {
            p = next;
            t += 1;
        } else if let Some((at, swallowed)) = star {
            star = Some((at, swallowed + 1));
            p = at + 1;
            t = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// Where the pattern goes on if its next element takes this letter.
fn one(pattern: &[char], p: usize, letter: char) -> Option<usize> {
    match pattern.get(p)? {
        '?' => Some(p + 1),
        '[' => match class(pattern, p) {
            Some((members, is_negated, next)) => (in_class(members, letter) != is_negated).then_some(next),
            // Without its end a bracket is a letter.
            None => (letter == '[').then_some(p + 1),
        },
        plain => (*plain == letter).then_some(p + 1),
    }
}

/// The members of the class that begins here, whether it is negated, and where it ends.
fn class(pattern: &[char], p: usize) -> Option<(&[char], bool, usize)> {
    let is_negated = pattern.get(p + 1) == Some(&'!');
    let start = p + 1 + usize::from(is_negated);
    // A bracket right at the start is a member.
    let length = pattern.get(start + 1..)?.iter().position(|letter| *letter == ']')? + 1;
    Some((&pattern[start..start + length], is_negated, start + length + 1))
}

fn in_class(members: &[char], letter: char) -> bool {
    let mut rest = members;
    while let Some((first, after)) = rest.split_first() {
        match after {
            ['-', last, others @ ..] => {
                if (*first..=*last).contains(&letter) {
                    return true;
                }
                rest = others;
            }
            _ => {
                if *first == letter {
                    return true;
                }
                rest = after;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_python() {
        let cases = [
            ("stg_*", "stg_orders", true),
            ("*_orders", "stg_orders", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("*", "", true),
            ("?", "", false),
            ("models/*", "models/a/b.sql", true),
            ("s[a-c]x", "sbx", true),
            ("s[!a-c]x", "sbx", false),
            ("s[]]x", "s]x", true),
            ("s[", "s[", true),
            ("[a-]", "-", true),
            ("Orders", "orders", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
