//! PostgreSQL's `hashtext` outside of PostgreSQL: Bob Jenkins' lookup3, as the server seeds it.
//!
//! Nobody promises that the server keeps it; versions 8.4 to 18 have it, and a test asks the server at hand.

/// `hashtext(text)` of a text in UTF-8, on a server whose processor is little-endian.
#[must_use]
pub(super) fn hashtext(text: &[u8]) -> i32 {
    // The server takes lengths of 32 bits; no text is longer.
    let seed = 0x9e37_79b9_u32.wrapping_add(text.len() as u32).wrapping_add(3_923_095);
    let (mut a, mut b, mut c) = (seed, seed, seed);
    let (blocks, tail) = text.as_chunks::<12>();
    for [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] in blocks {
        a = a.wrapping_add(u32::from_le_bytes([*a0, *a1, *a2, *a3]));
        b = b.wrapping_add(u32::from_le_bytes([*b0, *b1, *b2, *b3]));
        c = c.wrapping_add(u32::from_le_bytes([*c0, *c1, *c2, *c3]));
        (a, b, c) = mix(a, b, c);
    }
    // The lowest byte of c is left to the length.
    let mut rest = [0; 12];
    for (place, byte) in tail.iter().enumerate() {
        rest[if place < 8 { place } else { place + 1 }] = *byte;
    }
    let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] = rest;
    a = a.wrapping_add(u32::from_le_bytes([a0, a1, a2, a3]));
    b = b.wrapping_add(u32::from_le_bytes([b0, b1, b2, b3]));
    c = c.wrapping_add(u32::from_le_bytes([c0, c1, c2, c3]));
    finish(a, b, c).cast_signed()
}

/// Spreads what three words hold over all of them.
fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for [first, second, third] in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(first);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(second);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(third);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

/// Makes one word of three.
fn finish(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server said: of no block, of parts of one, of a whole one and of several.
    const SAID: [(&str, i32); 7] = [
        ("", -1_477_818_771),
        ("1", -631_133_447),
        ("9994", 1_315_334_793),
        ("abcdefgh", -1_960_928_205),
        ("abcdefghijk", -1_483_803_693),
        ("abcdefghijkl", -1_586_087_212),
        ("Zo\u{eb} \u{5ba2}\u{6237} \u{1f600}, longer than twelve bytes", 146_562_596),
    ];

    #[test]
    fn a_text_has_the_hash_that_the_server_gives_it() {
        for (text, hash) in SAID {
            assert_eq!(hashtext(text.as_bytes()), hash, "{text}");
        }
    }
}
