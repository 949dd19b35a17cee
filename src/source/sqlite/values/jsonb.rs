//! The text that PostgreSQL prints for a value of `jsonb`: keys by their length and then their bytes, each once,
//! numbers as `numeric` prints them, and the white space of its own.

use std::collections::BTreeMap;

use super::{Reason, Value, numeric};

/// Levels of lists and objects: as many as a thread's stack surely has room for.
const DEEPEST: usize = 200;

const BAD: Reason = Reason::NotOfType("jsonb");

/// What PostgreSQL prints for this JSON.
///
/// # Errors
/// It is none, or none that `jsonb` can hold.
pub fn jsonb(text: &str) -> Result<String, Reason> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    parser.skip_blanks();
    parser.value(&mut out)?;
    parser.skip_blanks();
    if parser.at == text.len() { Ok(out) } else { Err(BAD) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes this byte, if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn need(&mut self, byte: u8) -> Result<(), Reason> {
        if self.take(byte) { Ok(()) } else { Err(BAD) }
    }

    fn value(&mut self, out: &mut String) -> Result<(), Reason> {
        match self.peek().ok_or(BAD)? {
            b'{' => self.nested(|parser| parser.object(out)),
            b'[' => self.nested(|parser| parser.list(out)),
            b'"' => {
                let text = self.string()?;
                quote(&text, out);
                Ok(())
            }
            b'-' | b'0'..=b'9' => self.number(out),
            _ => self.word(out),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<(), Reason>) -> Result<(), Reason> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Reason::TooDeep(DEEPEST));
        }
        read(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self, out: &mut String) -> Result<(), Reason> {
        self.need(b'{')?;
        // Of a key that comes again the last value counts.
        let mut fields: BTreeMap<(usize, String), String> = BTreeMap::new();
        self.skip_blanks();
        if !self.take(b'}') {
            loop {
                self.skip_blanks();
                let key = self.string()?;
                self.skip_blanks();
                self.need(b':')?;
                self.skip_blanks();
                let mut value = String::new();
                self.value(&mut value)?;
                fields.insert((key.len(), key), value);
                self.skip_blanks();
                if self.take(b'}') {
                    break;
                }
                self.need(b',')?;
            }
        }
        out.push('{');
        for (place, ((_, key), value)) in fields.iter().enumerate() {
            if place > 0 {
                out.push_str(", ");
            }
            quote(key, out);
            out.push_str(": ");
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    fn list(&mut self, out: &mut String) -> Result<(), Reason> {
        self.need(b'[')?;
        out.push('[');
        self.skip_blanks();
        if !self.take(b']') {
            loop {
                self.skip_blanks();
                self.value(out)?;
                self.skip_blanks();
                if self.take(b']') {
                    break;
                }
                self.need(b',')?;
                out.push_str(", ");
            }
        }
        out.push(']');
        Ok(())
    }

    fn word(&mut self, out: &mut String) -> Result<(), Reason> {
        let rest = &self.text[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word));
        let word = word.ok_or(BAD)?;
        self.at += word.len();
        out.push_str(word);
        Ok(())
    }

    fn number(&mut self, out: &mut String) -> Result<(), Reason> {
        let from = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let written = Value::Text(&self.text.as_bytes()[from..self.at]);
        out.push_str(&numeric::numeric(written, None, false)?);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Reason> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err(BAD) }
    }

    fn string(&mut self) -> Result<String, Reason> {
        self.need(b'"')?;
        let mut text = String::new();
        loop {
            let from = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            // These bytes are never a part of another character.
            text.push_str(&self.text[from..self.at]);
            match self.peek().ok_or(BAD)? {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => text.push(self.escaped()?),
                _ => return Err(BAD),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Reason> {
        self.need(b'\\')?;
        let letter = self.peek().ok_or(BAD)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let code = match first {
                    0 => return Err(Reason::Nul),
                    0xd800..0xdc00 => {
                        self.need(b'\\')?;
                        self.need(b'u')?;
                        let second = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
                        0x10000 + ((first - 0xd800) << 10) + second.ok_or(BAD)?
                    }
                    code => code,
                };
                char::from_u32(code).ok_or(BAD)?
            }
            _ => return Err(BAD),
        })
    }

    fn hex(&mut self) -> Result<u32, Reason> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(BAD)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BAD);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| BAD)
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_printed_as_jsonb() {
        for (written, printed) in [
            (" { \"bb\":1 ,\"a\":[ 1.50,1e3,-0 ], \"a\" : null}", "{\"a\": null, \"bb\": 1}"),
            ("[1.50,1e3,1E-5,-0,12.5e1]", "[1.50, 1000, 0.00001, 0, 125]"),
            ("\"\\u00e9\\ud83d\\ude00\\/\\u0007\\n\"", "\"é😀/\\u0007\\n\""),
            ("{}", "{}"),
            ("[[],{}]", "[[], {}]"),
            ("{\"é\":1,\"zz\":2,\"b\":3}", "{\"b\": 3, \"zz\": 2, \"é\": 1}"),
            ("true", "true"),
        ] {
            assert_eq!(jsonb(written).as_deref(), Ok(printed), "{written}");
        }
        for written in [
            "",
            "nul",
            "01",
            "1.",
            "+1",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "\"\t\"",
            "\"\\x\"",
            "1 2",
            "NaN",
            "\"\\u00\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "[1",
            "'a'",
            "\u{a0}1",
        ] {
            assert_eq!(jsonb(written), Err(BAD), "{written}");
        }
        assert_eq!(jsonb("\"\\u0000\""), Err(Reason::Nul));
        let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(jsonb(&deep(DEEPEST)).is_ok());
        assert_eq!(jsonb(&deep(DEEPEST + 1)), Err(Reason::TooDeep(DEEPEST)));
    }
}
