//! Geometry of a GeoPackage, as PostGIS keeps it.
//!
//! A blob is `GP`, a version, flags, the number of its reference system, an envelope and a geometry in the
//! well-known binary form of ISO, of either byte order. PostGIS prints its own extension of that form in the
//! server's byte order, which is little-endian everywhere that PostgreSQL is still run.

mod ewkb;
mod limits;

use std::collections::BTreeMap;

use super::Reason;
pub use limits::{GeometryLimits, KINDS, Misfit};

/// The SRID on the target of each reference system of a GeoPackage.
pub type Srids = BTreeMap<i32, i32>;

/// Bytes of each kind of envelope: none, XY, XYZ, XYM, XYZM.
const ENVELOPES: [usize; 5] = [0, 32, 48, 48, 64];

const EXTENDED: u8 = 0x20;
const LITTLE_ENDIAN: u8 = 0x01;

/// The form of PostGIS for a blob of a GeoPackage, if a column with these limits takes it.
pub fn geometry(
    blob: &[u8],
    srids: &Srids,
    limits: Option<GeometryLimits>,
) -> Result<Vec<u8>, Reason> {
    let ewkb = transcoded(blob, srids, limits)?;
    limits.map_or(Ok(()), |limits| limits.check(&ewkb))?;
    Ok(ewkb)
}

/// Why a column with these limits does not take a geometry, if it is one at all.
pub fn misfit(blob: &[u8], srids: &Srids, limits: GeometryLimits) -> Option<Misfit> {
    let ewkb = transcoded(blob, srids, Some(limits)).ok()?;
    limits.check(&ewkb).err()
}

fn transcoded(
    blob: &[u8],
    srids: &Srids,
    limits: Option<GeometryLimits>,
) -> Result<Vec<u8>, Reason> {
    let not = |why: &str| Reason::Geometry(format!("not a geometry of a GeoPackage: {why}"));
    let Some((&[b'G', b'P', version, flags, ..], rest)) = blob.split_at_checked(8) else {
        return Err(not("it does not begin with GP"));
    };
    if version != 0 {
        return Err(not(&format!("its version is {version}")));
    }
    if flags & EXTENDED != 0 {
        return Err(Reason::Geometry(
            "an extended geometry, which only its own program reads".to_owned(),
        ));
    }
    let [a, b, c, d] = [blob[4], blob[5], blob[6], blob[7]];
    let system = if flags & LITTLE_ENDIAN != 0 {
        i32::from_le_bytes([a, b, c, d])
    } else {
        i32::from_be_bytes([a, b, c, d])
    };
    let envelope =
        ENVELOPES.get(usize::from(flags >> 1 & 7)).ok_or_else(|| not("its envelope is none"))?;
    let (_, wkb) =
        rest.split_at_checked(*envelope).ok_or_else(|| not("its envelope is cut off"))?;
    let srid = srids.get(&system).ok_or_else(|| {
        Reason::Geometry(format!("its reference system {system} is not in gpkg_spatial_ref_sys"))
    })?;
    // PostGIS gives the system of the column to a geometry without one.
    let srid = if *srid == 0 { limits.map_or(0, |limits| limits.srid) } else { *srid };
    ewkb::ewkb(wkb, srid).map_err(|fault| not(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(flags: u8, system: [u8; 4], envelope: usize, wkb: &[u8]) -> Vec<u8> {
        [b"GP\0".as_slice(), &[flags], &system, &vec![0; envelope], wkb].concat()
    }

    const POINT: &[u8] = b"\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    #[test]
    fn every_envelope_and_both_byte_orders() {
        let srids = Srids::from([(7, 4326), (0, 0)]);
        let with_srid = "0101000020E6100000000000000000F03F0000000000000040";
        for (kind, size) in ENVELOPES.iter().enumerate() {
            let flags = (kind as u8) << 1;
            let little = geometry(&blob(flags | 1, [7, 0, 0, 0], *size, POINT), &srids, None);
            assert_eq!(hex(&little.expect("a point")), with_srid);
            let big = geometry(&blob(flags, [0, 0, 0, 7], *size, POINT), &srids, None);
            assert_eq!(hex(&big.expect("a point")), with_srid);
        }
        let without = geometry(&blob(1, [0; 4], 0, POINT), &srids, None).expect("a point");
        assert_eq!(hex(&without), "0101000000000000000000F03F0000000000000040");
    }

    #[test]
    fn what_is_no_geometry_is_refused() {
        let srids = Srids::from([(0, 0)]);
        let cases = [
            (b"".to_vec(), "not a geometry of a GeoPackage: it does not begin with GP"),
            (
                b"\x00\x01xxxxxxxxx".to_vec(),
                "not a geometry of a GeoPackage: it does not begin with GP",
            ),
            (
                blob(0x21, [0; 4], 0, POINT),
                "an extended geometry, which only its own program reads",
            ),
            (blob(0x0b, [0; 4], 0, POINT), "not a geometry of a GeoPackage: its envelope is none"),
            (blob(0x03, [0; 4], 8, b""), "not a geometry of a GeoPackage: its envelope is cut off"),
            (
                blob(1, [9, 0, 0, 0], 0, POINT),
                "its reference system 9 is not in gpkg_spatial_ref_sys",
            ),
            (blob(1, [0; 4], 0, &POINT[..9]), "not a geometry of a GeoPackage: it is cut off"),
            (
                blob(1, [0; 4], 0, &[POINT, b"x"].concat()),
                "not a geometry of a GeoPackage: bytes follow its end",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(geometry(&given, &srids, None), Err(Reason::Geometry(expected.to_owned())));
        }
    }
}
