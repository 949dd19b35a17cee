//! Says which rows of a first copy point to large objects: those are not copied.

use std::sync::Arc;

use crate::context::RunContext;
use crate::error::Result;
use crate::note::NoteLevel;
use crate::outcome::Strategy;
use crate::plan::TablePlan;

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
        let reader = self.source.reader().await?;
        let any = reader.has_large_objects().await?;
        for (plan, column) in columns.into_iter().filter(|_| any) {
            // What hinders that hinders the copy, which says so. The transaction is lost with it.
            let Ok(rows) = reader.count_large_objects(&plan.mapping, column).await else { break };
            if rows == 0 {
                continue;
            }
            let are = if rows == 1 { "row of column" } else { "rows of column" };
            let text = format!(
                "{rows} {are} {name} hold the number of a large object; large objects are not copied \
                 (\"What an application still lacks\" in docs/schema-changes.md says how to bring them)",
                name = column.name.as_str(),
            );
            let text = if rows == 1 { text.replace(" hold ", " holds ") } else { text };
            self.note(NoteLevel::Warning, Some(plan.mapping.source.name.clone()), text);
        }
        self.source.release(reader, false).await;
        Ok(())
    }
}
