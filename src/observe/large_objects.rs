//! Says which rows of a first copy point to large objects: those are not copied.

use std::sync::Arc;

use crate::context::RunContext;
use crate::error::Result;
use crate::note::NoteLevel;
use crate::outcome::Strategy;
use crate::plan::TablePlan;
use crate::sql::Sql;
use crate::sql::large_objects::ANY_LARGE_OBJECT;

impl RunContext<'_> {
    /// One note for each column of a table that is copied for the first time.
    pub(crate) async fn note_large_objects(&self, plans: &[Arc<TablePlan>]) -> Result<()> {
        let copies = plans.iter().filter(|plan| plan.strategy == Strategy::Copy);
        let columns = copies
            .flat_map(|plan| plan.mapping.large_object_columns().map(move |column| (plan, column)));
        let columns: Vec<_> = columns.collect();
        if columns.is_empty() {
            return Ok(());
        }
        let session = self.source.session().await?;
        let any = session.row("looking for large objects", &Sql::trusted(ANY_LARGE_OBJECT)).await?;
        for (plan, column) in columns {
            if !any.is_true(0) {
                break;
            }
            let count = plan.mapping.count_large_objects(column);
            let counted = session.row("counting rows that point to large objects", &count).await;
            let rows = match &counted {
                Ok(row) => row.needed(0)?,
                // The copy fails for the same reason, and says so. The transaction is lost with it.
                Err(_) => break,
            };
            if rows == "0" {
                continue;
            }
            let are = if rows == "1" { "row of column" } else { "rows of column" };
            let text = format!(
                "{rows} {are} {name} hold the number of a large object; large objects are not copied \
                 (pg_dump --large-objects, --blobs before 16, and pg_restore bring them)",
                name = column.name.as_str(),
            );
            let text = if rows == "1" { text.replace(" hold ", " holds ") } else { text };
            self.note(NoteLevel::Warning, Some(plan.mapping.source.name.clone()), text);
        }
        self.source.release(session, false).await;
        Ok(())
    }
}
