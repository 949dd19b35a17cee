//! The hash functions of a PostgreSQL server, computed here, so that digests of both sides can be compared.
//!
//! `hash_bytes` is Bob Jenkins' lookup3 (<http://burtleburtle.net/bob/hash/doobs.html>) with the seeds and the
//! order of bytes that PostgreSQL gives it on little-endian machines. Whether the target's are the same tells
//! [`probe`].

use md5::{Digest, Md5};

/// What the functions make of the values of `src/pg/hash_probe.sql`, as a server with the same functions
/// answers it.
pub fn probe() -> String {
    let moment = b"\\x0002b58341728614".as_slice();
    let uuid = [
        0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde,
        0xf0,
    ];
    let hashes = [
        hash_int8(1_234_567_890_123, 1),
        hash_int8(-1, 2),
        hash_int8(4_294_967_296, 4_294_967_297),
        hash_bytes(b"", 3),
        hash_bytes(b"The quick brown fox jumps over the lazy dog", 4),
        hash_bytes(moment, 5),
        hash_bytes(&uuid, 7),
    ];
    hashes.map(|hash| hash.to_string()).join(",")
}

/// `hashint8extended`: folds a number to 32 bits.
pub fn hash_int8(value: i64, seed: u64) -> i64 {
    let (low, high) = (value as u32, (value >> 32) as u32);
    let folded = low ^ if value >= 0 { high } else { !high };
    let mut state = State::new(4, seed);
    state.a = state.a.wrapping_add(folded);
    state.end()
}

/// `hashtextextended` under a deterministic collation, and `uuid_hash_extended`.
pub fn hash_bytes(bytes: &[u8], seed: u64) -> i64 {
    let mut state = State::new(bytes.len() as u32, seed);
    let mut words = bytes.chunks_exact(12);
    for chunk in &mut words {
        let whole = |from: usize| {
            u32::from_le_bytes([chunk[from], chunk[from + 1], chunk[from + 2], chunk[from + 3]])
        };
        state.add(whole(0), whole(4), whole(8));
        state.mix();
    }
    let rest = words.remainder();
    let part = |from: usize| word(rest.get(from..rest.len().min(from + 4)).unwrap_or_default());
    // The lowest byte of the last word is that of the length.
    state.add(part(0), part(4), part(8) << 8);
    state.end()
}

/// The first 64 bits of md5.
pub fn md5_hash(bytes: &[u8]) -> i64 {
    let digest = Md5::digest(bytes);
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | i64::from(*byte))
}

/// Up to four bytes.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

struct State {
    a: u32,
    b: u32,
    c: u32,
}

impl State {
    fn new(length: u32, seed: u64) -> Self {
        let begin = 0x9e37_79b9_u32.wrapping_add(length).wrapping_add(3_923_095);
        let mut state = Self { a: begin, b: begin, c: begin };
        if seed != 0 {
            state.a = state.a.wrapping_add((seed >> 32) as u32);
            state.b = state.b.wrapping_add(seed as u32);
            state.mix();
        }
        state
    }

    fn add(&mut self, a: u32, b: u32, c: u32) {
        self.a = self.a.wrapping_add(a);
        self.b = self.b.wrapping_add(b);
        self.c = self.c.wrapping_add(c);
    }

    fn mix(&mut self) {
        let Self { mut a, mut b, mut c } = *self;
        a = a.wrapping_sub(c) ^ c.rotate_left(4);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(6);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(8);
        b = b.wrapping_add(a);
        a = a.wrapping_sub(c) ^ c.rotate_left(16);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(19);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(4);
        b = b.wrapping_add(a);
        *self = Self { a, b, c };
    }

    fn end(self) -> i64 {
        let Self { mut a, mut b, mut c } = self;
        c = (c ^ b).wrapping_sub(b.rotate_left(14));
        a = (a ^ c).wrapping_sub(c.rotate_left(11));
        b = (b ^ a).wrapping_sub(a.rotate_left(25));
        c = (c ^ b).wrapping_sub(b.rotate_left(16));
        a = (a ^ c).wrapping_sub(c.rotate_left(4));
        b = (b ^ a).wrapping_sub(a.rotate_left(14));
        c = (c ^ b).wrapping_sub(b.rotate_left(24));
        (u64::from(b) << 32 | u64::from(c)) as i64
    }
}
