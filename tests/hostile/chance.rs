//! Lies by chance: any message of a server may be another one.

use crate::support::Random;

/// What would hurt where a text is taken for SQL, for JSON, for COPY or for a number.
const TEXTS: &[&str] = &[
    "\"; create table public.pwned(); --",
    "'; create table public.pwned(); --",
    "); create table public.pwned(); --",
    "\\'; create table public.pwned(); --",
    "$$; create table public.pwned(); $$",
    "*/; create table public.pwned(); /*",
    "\n; create table public.pwned();\n",
    "', public.pwned(), '",
    "\u{0}",
    "\\u0000",
    "\t",
    "\\N",
    "\\.",
    "\"",
    "\\",
    "{",
    "]",
    "null",
    "-1",
    "99999999999999999999",
    "NaN",
    "infinity",
    "4714-11-24 00:00:00 BC",
    "\u{9b}2J",
    "\u{202e}",
    "pg_sleep",
];

/// What goes over the wire in place of a message.
pub struct Said {
    pub bytes: Vec<u8>,
    /// Nothing follows.
    pub is_last: bool,
    pub is_lie: bool,
}

/// One connection's lies.
pub struct Chance {
    random: Random,
    /// One message in so many is a lie.
    one_in: u64,
}

impl Chance {
    /// The connections of a run lie in other places, and runs more or less often.
    pub fn new(seed: u64, connection: u64) -> Self {
        let one_in = [3, 10, 30, 100][Random::new(seed).below(4) as usize];
        Self { random: Random::new(seed.wrapping_mul(1_000).wrapping_add(connection)), one_in }
    }

    pub fn say(&mut self, kind: u8, body: &[u8]) -> Said {
        let truth = message(kind, body);
        if self.random.below(self.one_in) > 0 {
            return Said { bytes: truth, is_last: false, is_lie: false };
        }
        let mut is_last = false;
        let bytes = match self.random.below(20) {
            0 => self.flipped(truth),
            1 => message(self.random.next() as u8, body),
            2 => Vec::new(),
            3 => [truth.as_slice(), &truth].concat(),
            4 => self.with_length(kind, body),
            5 => {
                is_last = true;
                truth[..self.random.below(truth.len() as u64) as usize].to_vec()
            }
            _ if kind == b'D' => message(kind, &self.row(body)),
            _ => message(kind, &self.text(body)),
        };
        Said { bytes, is_last, is_lie: true }
    }

    fn flipped(&mut self, mut message: Vec<u8>) -> Vec<u8> {
        // Not its length: that is a case of its own.
        let at = 5 + self.random.below(message.len().max(6) as u64 - 5) as usize;
        if let Some(byte) = message.get_mut(at) {
            *byte ^= 1 << self.random.below(8);
        }
        message
    }

    fn with_length(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let length = match self.random.below(4) {
            0 => i32::MAX,
            1 => -1,
            _ => self.random.below(2 * body.len() as u64 + 8) as i32,
        };
        [&[kind], length.to_be_bytes().as_slice(), body].concat()
    }

    /// A row with a column that is another one, that is missing or that is too much.
    fn row(&mut self, body: &[u8]) -> Vec<u8> {
        let mut columns = columns(body);
        let at = self.random.below(columns.len().max(1) as u64) as usize;
        match self.random.below(8) {
            0 => columns.push(Some(b"1".to_vec())),
            1 => drop(columns.pop()),
            2 => columns.reverse(),
            3 => columns[at..].fill(None),
            _ => {
                if let Some(column) = columns.get_mut(at).and_then(Option::as_mut) {
                    *column = self.text(column);
                }
            }
        }
        packed(&columns)
    }

    /// The bytes with a text in place of some of them.
    fn text(&mut self, bytes: &[u8]) -> Vec<u8> {
        let start = self.random.below(bytes.len() as u64 + 1) as usize;
        let end = (start + self.random.below(12) as usize).min(bytes.len());
        let text = TEXTS[self.random.below(TEXTS.len() as u64) as usize];
        let times = if self.random.chance(3) { 100_000 } else { 1 };
        [&bytes[..start], text.repeat(times).as_bytes(), &bytes[end..]].concat()
    }
}

/// The columns of a row as it travels.
fn columns(body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let (mut columns, mut rest) = (Vec::new(), body.get(2..).unwrap_or_default());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (column, after) = after.split_at(length.unwrap_or(0).min(after.len()));
        columns.push(length.map(|_| column.to_vec()));
        rest = after;
    }
    columns
}

fn packed(columns: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut body = (columns.len() as u16).to_be_bytes().to_vec();
    for column in columns {
        let length = column.as_ref().map_or(-1, |column| column.len() as i32);
        body.extend(length.to_be_bytes());
        body.extend(column.iter().flatten());
    }
    body
}

pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).expect("no message is that long");
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

#[test]
fn rows_are_taken_apart_and_put_together() {
    let row = [Some(b"ab".to_vec()), None, Some(Vec::new())];
    assert_eq!(columns(&packed(&row)), row);
}
