//! Tables of the source that somebody else fills with rows that carry old times: a change arrives there
//! later than its timestamp says, by as much as its way took, and no horizon of this server knows of it.

use crate::context::RunContext;
use crate::error::Result;
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::plan::columns;
use crate::table::Table;

impl RunContext<'_> {
    /// Looks into the logs of runs that have written here, in the snapshot: what such a run had not
    /// committed by then is not in the log either.
    pub(crate) async fn note_feeding_runs(
        &self,
        tables: &mut [Table],
        logs: &[TableName],
    ) -> Result<()> {
        for sync_log in logs {
            for fed in self.source.fed_tables(sync_log).await? {
                if let Some(table) = tables.iter_mut().find(|table| table.name == fed.table) {
                    table.fed += &fed.written;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn remark_fed(&self, selected: &[&Table]) {
        let column = &self.settings.timestamp;
        let followed = |table: &&&Table| columns::timestamp(table, table, column).is_some();
        let named = |is_fed: fn(&Table) -> bool| {
            let fed = selected.iter().filter(followed).filter(|table| is_fed(table));
            let names: Vec<String> = fed.map(|table| table.name.to_string()).collect();
            match &names[..] {
                [] => None,
                [one] => Some(one.clone()),
                [first, others @ ..] => Some(format!("{first} and {} more tables", others.len())),
            }
        };
        if let Some(tables) = named(|table| table.subscribed) {
            let text = format!(
                "a subscription writes {tables} on the source, with times of another server, at which a \
                 change may not have been here yet: compared whole in each run"
            );
            self.note(NoteLevel::Notice, None, text);
        }
        if let Some(tables) = named(|table| !table.fed.is_empty() && !table.subscribed) {
            let text = format!(
                "runs of pgsync write {tables} on the source, with times of another server, at which a change \
                 may not have been here yet: compared whole after each run that has changed rows there"
            );
            self.note(NoteLevel::Notice, None, text);
        }
    }
}
