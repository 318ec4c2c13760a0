//! Text in any encoding of the web to UTF-8, as a stream.

use encoding_rs::{DecoderResult, Encoding};
use std::io::{BufRead, Read};

/// A byte that no UTF-8 text holds. It stands where the input was malformed, so that the row is rejected by name
/// instead of being loaded with a replacement character that nobody wrote.
const MALFORMED: u8 = 0xff;
const BUFFER: usize = 64 * 1024;

/// Finds an encoding by the names that people use: those of the web, and `latin-1`, `utf-16`.
pub(crate) fn named(name: &str) -> Option<&'static Encoding> {
    // The web calls them without the hyphen.
    let label = match name.trim().to_ascii_lowercase().as_str() {
        "latin-1" => "latin1".to_owned(),
        "latin-9" | "iso-8859-15" => "iso-8859-15".to_owned(),
        label => label.to_owned(),
    };
    // "replacement" is the web's way to refuse dangerous encodings; it decodes to one sign whatever the text.
    Encoding::for_label(label.as_bytes()).filter(|found| *found != encoding_rs::REPLACEMENT)
}

/// Decodes what `input` holds. A byte order mark decides between UTF-8 and the two UTF-16, and is dropped.
pub(super) struct Decoding<R> {
    input: R,
    decoder: encoding_rs::Decoder,
    output: Vec<u8>,
    /// Where the output that was not yet taken begins and ends.
    start: usize,
    end: usize,
    is_done: bool,
}

impl<R: BufRead> Decoding<R> {
    pub(super) fn new(input: R, encoding: &'static Encoding) -> Decoding<R> {
        Decoding { input, decoder: encoding.new_decoder(), output: vec![0; BUFFER], start: 0, end: 0, is_done: false }
    }

    fn refill(&mut self) -> std::io::Result<()> {
        let chunk = self.input.fill_buf()?;
        let is_last = chunk.is_empty();
        // One byte is left for the sign of malformed input.
        let room = self.output.len() - 1;
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(chunk, &mut self.output[..room], is_last);
        self.input.consume(read);
        (self.start, self.end) = (0, written);
        match result {
            DecoderResult::InputEmpty => self.is_done = is_last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                self.output[written] = MALFORMED;
                self.end += 1;
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Decoding<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.start == self.end {
            if self.is_done {
                return Ok(0);
            }
            self.refill()?;
        }
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.output[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Decodes from a buffer of `step` bytes, so that characters are cut in two.
    fn decoded(bytes: &[u8], encoding: &str, step: usize) -> Vec<u8> {
        let mut text = Vec::new();
        let input = BufReader::with_capacity(step, bytes);
        Decoding::new(input, named(encoding).unwrap()).read_to_end(&mut text).unwrap();
        text
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn text_is_the_same_in_every_encoding() {
        let text = "id,name\n1,S\u{e3}o Jos\u{e9} \u{1f600}\n";
        let latin = "S\u{e3}o Jos\u{e9}";
        for step in [1, 2, 3, 7, 100_000] {
            for name in ["utf-16", "utf-16le"] {
                assert_eq!(decoded(&utf16(text, u16::to_le_bytes), name, step), text.as_bytes());
            }
            assert_eq!(decoded(&utf16(text, u16::to_be_bytes), "utf-16be", step), text.as_bytes());
            // The mark tells the order of the bytes, whatever the name says.
            let marked = format!("\u{feff}{text}");
            assert_eq!(decoded(&utf16(&marked, u16::to_be_bytes), "utf-16", step), text.as_bytes());
            for name in ["latin-1", "ISO-8859-1", "windows-1252"] {
                assert_eq!(decoded(b"S\xe3o Jos\xe9", name, step), latin.as_bytes());
            }
            assert_eq!(decoded(b"\x80", "windows-1252", step), "\u{20ac}".as_bytes());
        }
    }

    #[test]
    fn malformed_input_is_marked_where_it_stands() {
        // Half of a surrogate pair, and a last byte alone.
        let bytes = [b'a', 0, 0x00, 0xd8, b'b', 0, b'c'];
        assert_eq!(decoded(&bytes, "utf-16le", 100), b"a\xffb\xff");
    }

    #[test]
    fn names_that_nobody_knows_are_none() {
        assert!(named("klingon").is_none() && named("").is_none() && named("hz-gb-2312").is_none());
    }
}
