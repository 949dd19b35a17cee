//! Tables that somebody holds in ACCESS EXCLUSIVE mode: the server prints no definition of them, and
//! a statement that asks for it waits, in the one session that may not fail. So it is not asked.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result, Side};
use crate::ident::TableName;
use crate::pg::definitions::LockedTable;
use crate::table::Table;

/// How often it is looked whether they were let go.
const AGAIN: Duration = Duration::from_millis(200);

impl RunContext<'_> {
    /// Waits as long as for any lock until nobody holds one of the tables; gives those that are still
    /// held. What is held then is not read by this run.
    pub(super) async fn await_held(
        &self,
        selected: &[&Table],
        catalogs: &mut Catalogs,
    ) -> Result<BTreeMap<TableName, Error>> {
        let (schemas, settings) = (self.settings.target_schemas(), self.settings);
        let until = Instant::now() + settings.lock_timeout;
        loop {
            let (here, there) = tokio::try_join!(
                self.source.locked_tables(&settings.schemas),
                self.target.control.held(&schemas),
            )?;
            let names = selected.iter().map(|table| &table.name);
            let held: BTreeMap<TableName, Error> = names
                .filter_map(|name| {
                    let place = settings.target_name_of(name);
                    let by = |held: &[LockedTable], name| {
                        held.iter().find(|one| &one.name == name).cloned()
                    };
                    let here = by(&here, name).map(|held| refusal(Side::Source, &held));
                    let there = || by(&there, &place).map(|held| refusal(Side::Target, &held));
                    Some((name.clone(), here.or_else(there)?))
                })
                .collect();
            if held.is_empty() || Instant::now() >= until {
                let oids = |held: &[LockedTable]| held.iter().map(|one| one.oid).collect();
                catalogs.held = [oids(&here), oids(&there)];
                return Ok(held);
            }
            tokio::time::sleep(AGAIN.min(until - Instant::now())).await;
        }
    }
}

fn refusal(side: Side, held: &LockedTable) -> Error {
    let told = held.holder.told(side, &held.name);
    Error::Blocked(format!("its definition cannot be read, because {told}"))
}
