//! What a column of PostGIS takes: geometries of one kind, reference system and number of dimensions, or any.

use super::Reason;
use super::ewkb::{HAS_M, HAS_SRID, HAS_Z};

/// Kinds of geometries as PostGIS prints them, each at its number.
pub const KINDS: &[&str] = &[
    "Geometry",
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
    "CircularString",
    "CompoundCurve",
    "CurvePolygon",
    "MultiCurve",
    "MultiSurface",
];

const COLLECTION: u32 = 7;

/// The limits of a column, from its modifier (`gserialized_typmod.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeometryLimits {
    /// 0 for any kind.
    kind: u32,
    has_z: bool,
    has_m: bool,
    /// 0 for any system.
    pub srid: i32,
}

/// Why a geometry is none of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    Kind(Reason),
    /// Its dimensions or its reference system.
    Space(Reason),
}

impl GeometryLimits {
    /// None where the column takes any geometry.
    pub fn of_modifier(modifier: i32) -> Option<Self> {
        let bits = u32::try_from(modifier).ok()?;
        let srid = (bits & 0x0fff_ff00) as i32 - (bits & 0x1000_0000) as i32;
        Some(Self {
            kind: (bits & 0xfc) >> 2,
            has_z: bits & 2 != 0,
            has_m: bits & 1 != 0,
            srid: srid >> 8,
        })
    }

    /// Whether the column takes a geometry in PostGIS's form.
    ///
    /// # Errors
    /// What keeps it out.
    pub fn check(self, ewkb: &[u8]) -> Result<(), Misfit> {
        let number = |from: usize| {
            let bytes = ewkb.get(from..from + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_le_bytes)
        };
        let code = number(1);
        let bit = |bit: u32| code & bit != 0;
        let own = Self {
            kind: code & 0xff,
            has_z: bit(HAS_Z),
            has_m: bit(HAS_M),
            srid: if bit(HAS_SRID) { number(5) as i32 } else { 0 },
        };
        let reason = |own: String, wanted: String| {
            Reason::Geometry(format!("is a {own}, and the column takes {wanted}"))
        };
        if self.srid > 0 && own.srid != self.srid {
            let system = |limits: Self| format!("geometry of SRID {}", limits.srid);
            return Err(Misfit::Space(reason(system(own), system(self))));
        }
        if (own.has_z, own.has_m) != (self.has_z, self.has_m) {
            return Err(Misfit::Space(reason(own.name(), self.name())));
        }
        // A collection may be any of those with several parts.
        let is_kind = self.kind == 0
            || self.kind == own.kind
            || self.kind == COLLECTION && (4..=6).contains(&own.kind);
        if is_kind { Ok(()) } else { Err(Misfit::Kind(reason(own.name(), self.name()))) }
    }

    fn name(self) -> String {
        let kind = KINDS.get(self.kind as usize).copied();
        let kind = kind.map_or_else(|| format!("geometry of kind {}", self.kind), str::to_owned);
        let (z, m) = (if self.has_z { "Z" } else { "" }, if self.has_m { "M" } else { "" });
        format!("{kind}{z}{m}")
    }
}

impl From<Misfit> for Reason {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Kind(reason) | Misfit::Space(reason) => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `geometry(MultiPolygon,4326)`, as `ogr2ogr` makes it.
    const MULTI_POLYGON: i32 = 4326 << 8 | 6 << 2;

    fn ewkb(code: u32, srid: i32) -> Vec<u8> {
        [&[1][..], &code.to_le_bytes(), &srid.to_le_bytes()].concat()
    }

    fn told(modifier: i32, ewkb: &[u8]) -> Option<String> {
        let limits = GeometryLimits::of_modifier(modifier)?;
        limits.check(ewkb).err().map(|misfit| Reason::from(misfit).to_string())
    }

    #[test]
    fn a_column_takes_what_postgis_lets_in() {
        let cases = [
            (-1, 3, 5, None),
            (MULTI_POLYGON, 6, 4326, None),
            (MULTI_POLYGON, 3, 4326, Some("is a Polygon, and the column takes MultiPolygon")),
            (
                MULTI_POLYGON,
                HAS_Z | 6,
                4326,
                Some("is a MultiPolygonZ, and the column takes MultiPolygon"),
            ),
            (
                MULTI_POLYGON,
                6,
                3857,
                Some("is a geometry of SRID 3857, and the column takes geometry of SRID 4326"),
            ),
            (4326 << 8, 3, 4326, None),
            (COLLECTION as i32 * 4, 6, 0, None),
            (
                COLLECTION as i32 * 4,
                3,
                0,
                Some("is a Polygon, and the column takes GeometryCollection"),
            ),
            (1 << 2 | 2, HAS_Z | 1, 0, None),
            (1 << 2 | 2, 1, 0, Some("is a Point, and the column takes PointZ")),
        ];
        for (modifier, code, srid, expected) in cases {
            let found = told(modifier, &ewkb(code | HAS_SRID, srid));
            assert_eq!(found.as_deref(), expected, "{modifier} {code}");
        }
    }
}
