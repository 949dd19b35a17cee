//! From the well-known binary form of ISO to that of PostGIS.

/// Bits of a kind in PostGIS's form.
pub const HAS_Z: u32 = 0x8000_0000;
/// The same of a measure.
pub const HAS_M: u32 = 0x4000_0000;
/// The same of a reference system.
pub const HAS_SRID: u32 = 0x2000_0000;

/// How deep geometries may lie in each other: more than any program makes, and than PostGIS reads.
const DEEPEST: usize = 32;

const POINT: u32 = 1;
const LINE: u32 = 2;
const POLYGON: u32 = 3;
const CIRCULAR: u32 = 8;
const TRIANGLE: u32 = 17;

/// A geometry of PostGIS, little-endian. Anything may follow from the values: they travel as they are.
pub fn ewkb(wkb: &[u8], srid: i32) -> Result<Vec<u8>, String> {
    let mut transcoder = Transcoder { rest: wkb, out: Vec::with_capacity(wkb.len() + 4) };
    transcoder.geometry(Parent { srid, dimensions: None, depth: 0 })?;
    if transcoder.rest.is_empty() {
        Ok(transcoder.out)
    } else {
        Err("bytes follow its end".to_owned())
    }
}

/// What a geometry is part of.
#[derive(Clone, Copy)]
struct Parent {
    /// 0 of parts: only the whole says it.
    srid: i32,
    /// Parts have those of the whole.
    dimensions: Option<Dimensions>,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq)]
struct Dimensions {
    z: bool,
    m: bool,
}

impl Dimensions {
    fn count(self) -> usize {
        2 + usize::from(self.z) + usize::from(self.m)
    }
}

struct Transcoder<'w> {
    rest: &'w [u8],
    out: Vec<u8>,
}

impl Transcoder<'_> {
    fn geometry(&mut self, parent: Parent) -> Result<(), String> {
        let little = match self.take::<1>()? {
            [0] => false,
            [1] => true,
            [order] => return Err(format!("its byte order is {order}")),
        };
        let code = self.number(little)?;
        let Shape { kind, dimensions } = Shape::of(code)?;
        if parent.dimensions.is_some_and(|whole| whole != dimensions) {
            return Err("its parts have other dimensions".to_owned());
        }
        self.out.push(1);
        let mut bits = kind;
        bits |= if dimensions.z { HAS_Z } else { 0 };
        bits |= if dimensions.m { HAS_M } else { 0 };
        bits |= if parent.srid != 0 { HAS_SRID } else { 0 };
        self.out.extend_from_slice(&bits.to_le_bytes());
        if parent.srid != 0 {
            self.out.extend_from_slice(&parent.srid.to_le_bytes());
        }
        match kind {
            POINT => self.point(little, dimensions),
            LINE | CIRCULAR => self.points(little, dimensions),
            POLYGON | TRIANGLE => {
                for _ in 0..self.count(little)? {
                    self.points(little, dimensions)?;
                }
                Ok(())
            }
            _ => self.parts(little, dimensions, parent.depth),
        }
    }

    fn parts(&mut self, little: bool, dimensions: Dimensions, depth: usize) -> Result<(), String> {
        if depth >= DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} times"));
        }
        for _ in 0..self.count(little)? {
            self.geometry(Parent { srid: 0, dimensions: Some(dimensions), depth: depth + 1 })?;
        }
        Ok(())
    }

    fn points(&mut self, little: bool, dimensions: Dimensions) -> Result<(), String> {
        for _ in 0..self.count(little)? {
            self.point(little, dimensions)?;
        }
        Ok(())
    }

    fn point(&mut self, little: bool, dimensions: Dimensions) -> Result<(), String> {
        for _ in 0..dimensions.count() {
            let mut bytes = self.take::<8>()?;
            if !little {
                bytes.reverse();
            }
            // One bit pattern of NaN: that of an empty point, as PostGIS writes it.
            let number = f64::from_le_bytes(bytes);
            let bytes = if number.is_nan() { NAN.to_le_bytes() } else { bytes };
            self.out.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// A count, which goes into the result as well.
    fn count(&mut self, little: bool) -> Result<u32, String> {
        let count = self.number(little)?;
        self.out.extend_from_slice(&count.to_le_bytes());
        Ok(count)
    }

    fn number(&mut self, little: bool) -> Result<u32, String> {
        let bytes = self.take::<4>()?;
        Ok(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn take<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], String> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or("it is cut off")?;
        self.rest = rest;
        Ok(*bytes)
    }
}

const NAN: u64 = 0x7ff8_0000_0000_0000;

/// What the code of a geometry says.
struct Shape {
    kind: u32,
    dimensions: Dimensions,
}

impl Shape {
    /// ISO adds thousands to a kind, older programs set PostGIS's bits. Kinds have the same numbers in both;
    /// those that are missing (curve, surface) are abstract.
    fn of(code: u32) -> Result<Self, String> {
        let plain = code & !(HAS_Z | HAS_M);
        let (thousands, kind) = (plain / 1_000, plain % 1_000);
        if thousands > 3 || !(1..=12).contains(&kind) && !(15..=17).contains(&kind) {
            return Err(format!("its kind is {code}"));
        }
        let z = code & HAS_Z != 0 || thousands % 2 == 1;
        let m = code & HAS_M != 0 || thousands >= 2;
        Ok(Self { kind, dimensions: Dimensions { z, m } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let byte = |pair: &[u8]| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex")
        };
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn codes_have_dimensions() {
        for (code, kind, z, m) in [
            (1, 1, false, false),
            (1002, 2, true, false),
            (2003, 3, false, true),
            (3007, 7, true, true),
            (0x8000_0001, 1, true, false),
            (0xC000_0006, 6, true, true),
            (1012, 12, true, false),
            (17, 17, false, false),
        ] {
            let read = Shape::of(code).expect("a kind");
            assert_eq!((read.kind, read.dimensions.z, read.dimensions.m), (kind, z, m), "{code}");
        }
        for code in [0, 13, 14, 18, 4001, 0x2000_0001] {
            assert!(Shape::of(code).is_err(), "{code}");
        }
    }

    #[test]
    fn parts_are_little_endian_without_an_srid() {
        // A collection in big-endian order that holds a little-endian point and an empty line.
        let wkb = bytes(
            "00 00000007 00000002 \
             01 01000000 000000000000F03F 0000000000000040 \
             00 00000002 00000000",
        );
        let expected = bytes(
            "01 07000020 E6100000 02000000 \
             01 01000000 000000000000F03F 0000000000000040 \
             01 02000000 00000000",
        );
        assert_eq!(ewkb(&wkb, 4326), Ok(expected));
    }

    #[test]
    fn nesting_and_counts_have_their_limits() {
        let nested = |depth: usize| {
            let mut wkb = Vec::new();
            for _ in 0..depth {
                wkb.extend(bytes("01 07000000 01000000"));
            }
            wkb.extend(bytes("01 07000000 00000000"));
            wkb
        };
        assert!(ewkb(&nested(DEEPEST - 1), 0).is_ok());
        assert!(ewkb(&nested(100_000), 0).is_err());
        assert_eq!(ewkb(&bytes("01 02000000 FFFFFFFF"), 0), Err("it is cut off".to_owned()));
        let mixed = bytes(
            "01 07000000 01000000 01 E9030000 0000000000000000 0000000000000000 0000000000000000",
        );
        assert_eq!(ewkb(&mixed, 0), Err("its parts have other dimensions".to_owned()));
    }
}
