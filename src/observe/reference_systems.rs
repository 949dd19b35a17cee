//! Refuses tables with geometries of a reference system that the target does not know: no program could tell
//! there where they are.

use crate::context::RunContext;
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::source::{ReferenceSystem, SourceState};
use crate::sql::{Sql, reference_systems};

const DOING: &str = "looking for reference systems";

impl RunContext<'_> {
    /// The schema of PostGIS on the target, if it is there; nobody asks for it where the source prints its own types.
    pub(crate) async fn postgis(&self, source: &SourceState) -> Result<Option<Ident>> {
        if !source.local {
            return Ok(None);
        }
        let lists = Sql::trusted(reference_systems::LISTS);
        let lists = self.target.on_control_session(DOING, &lists).await?;
        Ok(lists.iter().flatten().find_map(|row| row.text(0)).map(Ident::new))
    }

    /// `postgis` is its schema; without it there is no column for geometries, which is another table's trouble.
    pub(crate) async fn require_reference_systems(
        &self,
        source: &mut SourceState,
        postgis: Option<&Ident>,
    ) -> Result<()> {
        let systems = &source.systems;
        let Some(schema) = postgis.filter(|_| !systems.is_empty()) else { return Ok(()) };
        let srids: Vec<i64> = systems.iter().map(|system| i64::from(system.srid)).collect();
        let known = reference_systems::known(schema, &srids);
        let known = self.target.on_control_session(DOING, &known).await?;
        let known = known.iter().flatten().filter_map(|row| {
            let authority = row.text(1).map(str::to_owned);
            Some(KnownSystem { srid: row.text(0)?.parse().ok()?, authority })
        });
        let known: Vec<KnownSystem> = known.collect();
        let failed = systems.iter().filter_map(|system| {
            let why = why_unknown(system, &known, schema)?;
            Some((system.table.clone(), Error::Blocked(why)))
        });
        let failed: Vec<_> = failed.collect();
        source.failed.extend(failed);
        Ok(())
    }
}

/// A reference system of the target.
struct KnownSystem {
    srid: i32,
    /// Who has given it that number, if the target says it.
    authority: Option<String>,
}

/// Why geometries of a system cannot arrive; none where the target knows it.
fn why_unknown(system: &ReferenceSystem, known: &[KnownSystem], schema: &Ident) -> Option<String> {
    let ReferenceSystem { srid, authority, definition, .. } = system;
    let unknown = format!(
        "the target does not know the reference system {authority}:{srid} of its geometries"
    );
    let Some(there) = known.iter().find(|known| known.srid == *srid) else {
        let insert = reference_systems::insert(schema, (*srid).into(), authority, definition);
        return Some(match srid {
            1..=reference_systems::GREATEST => {
                format!("{unknown}; to add it, run: {}", insert.as_str())
            }
            _ => format!(
                "{unknown}, and PostGIS takes numbers from 1 to {} only: give it another \
                 organization_coordsys_id in gpkg_spatial_ref_sys of the file",
                reference_systems::GREATEST
            ),
        });
    };
    let others = there.authority.as_ref().filter(|own| !own.eq_ignore_ascii_case(authority))?;
    Some(format!(
        "{unknown}: there the number {srid} is that of {others}:{srid}; correct organization and \
         organization_coordsys_id in gpkg_spatial_ref_sys of the file, or give the system a number that \
         the target has free"
    ))
}
