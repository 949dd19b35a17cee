//! Refuses tables with geometries of a reference system that the target does not know: no program could tell
//! there where they are.

use crate::context::RunContext;
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::source::SourceState;
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
        let known: Vec<&str> = known.iter().flatten().filter_map(|row| row.text(0)).collect();
        let missing = systems.iter().filter(|one| !known.contains(&one.srid.to_string().as_str()));
        let failed: Vec<_> = missing
            .map(|one| {
                let insert = reference_systems::insert(
                    schema,
                    one.srid.into(),
                    &one.authority,
                    &one.definition,
                );
                let why = format!(
                    "the target does not know the reference system {}:{} of its geometries; to add it, run: {}",
                    one.authority,
                    one.srid,
                    insert.as_str()
                );
                (one.table.clone(), Error::Blocked(why))
            })
            .collect();
        source.failed.extend(failed);
        Ok(())
    }
}
