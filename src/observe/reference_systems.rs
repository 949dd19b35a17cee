//! Refuses tables with geometries of a reference system that the target does not know: no program could tell
//! there where they are.

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::sql::{Sql, reference_systems};

const DOING: &str = "looking for reference systems";

impl RunContext<'_> {
    pub(crate) async fn require_reference_systems(&self, catalogs: &mut Catalogs) -> Result<()> {
        let systems = &catalogs.source.systems;
        if systems.is_empty() {
            return Ok(());
        }
        let lists = Sql::trusted(reference_systems::LISTS);
        let lists = self.target.on_control_session(DOING, &lists).await?;
        // Without PostGIS there is no column for geometries, which is another table's trouble.
        let schema = lists.iter().flatten().find_map(|row| row.text(0));
        let Some(schema) = schema.map(Ident::new) else { return Ok(()) };
        let srids: Vec<i64> = systems.iter().map(|system| i64::from(system.srid)).collect();
        let known = reference_systems::known(&schema, &srids);
        let known = self.target.on_control_session(DOING, &known).await?;
        let known: Vec<&str> = known.iter().flatten().filter_map(|row| row.text(0)).collect();
        let missing = systems.iter().filter(|one| !known.contains(&one.srid.to_string().as_str()));
        let failed: Vec<_> = missing
            .map(|one| {
                let insert = reference_systems::insert(
                    &schema,
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
        catalogs.source.failed.extend(failed);
        Ok(())
    }
}
