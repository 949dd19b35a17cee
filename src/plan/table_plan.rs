//! How one table is brought in sync.

use std::collections::HashMap;

use super::candidate::Roles;
use super::hints::Remedy;
use super::many_deletes::ManyDeletes;
use super::moves::Moves;
use super::recall::RowsBefore;
use super::references::CascadingKey;
use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::outcome::Strategy;
use crate::sql::Sql;
use crate::sql::mapping::{OwnedSequence, TableMapping, Timestamp};
use crate::table::Trigger;
/// How one table is brought in sync.
#[derive(Clone, Debug)]
pub struct TablePlan {
    /// What the target calls the table. `shape.target` may be another that is to take its place.
    pub name: TableName,
    pub strategy: Strategy,
    pub mapping: TableMapping,
    pub timestamp: Option<Timestamp>,
    /// Set for the incremental strategy: the rows before are settled; those from here on, inclusive, have
    /// to be equal in the end (UTC, `2024-12-13 15:25:30.5`).
    pub watermark: Option<String>,
    /// How far beyond it a run got that did not come to its end: reading goes on here. What it wrote was
    /// right then, but nobody has looked for rows that left the window.
    pub reached: Option<String>,
    /// What a watermark of this plan will be good for.
    pub fingerprint: String,
    /// What the next run, and this one, may know of the source's rows without reading them.
    pub rows_before: RowsBefore,
    /// Rows of the source as its planner estimates them.
    pub rows: u64,
    /// Size of the source table in bytes.
    pub bytes: u64,
    /// That of the source at the snapshot; see [`crate::table::Table::storage`].
    pub storage: String,
    /// Pages of the source table, when it is one file that can be read in parts by ctid.
    pub pages: Option<u64>,
    /// A self reference that is checked per statement: everything goes in one batch.
    pub one_statement: bool,
    /// Whether the replica role is left while a batch is written: a foreign key has to be checked.
    pub leave_replica: bool,
    /// The same while rows are deleted.
    pub leave_replica_to_delete: bool,
    /// Whether the batches are parts of one transaction over several tables.
    pub shared_transaction: bool,
    /// Triggers of the target that have to be disabled while a batch is written.
    pub triggers_to_disable: Vec<Trigger>,
    /// Triggers of the target that fire, whatever we do or because the run is asked to let them: nothing
    /// but a look at the end tells what became of the rows.
    pub always_triggers: Vec<String>,
    /// Whether the target's table has triggers at all that are not disabled.
    pub has_triggers: bool,
    /// How unique values move between rows.
    pub moves: Moves,
    /// Foreign keys by which deletes would reach rows of other tables.
    pub cascades: Vec<CascadingKey>,
    /// Foreign keys by which rows that stay refer to rows of the table.
    pub keepers: Vec<CascadingKey>,
    pub sequences: Vec<OwnedSequence>,
    pub remedies: Vec<Remedy>,
    /// What somebody should know about this table.
    pub notes: Vec<String>,
    /// Columns that get no values any more, when the columns have changed since the last run: what reads them is wrong
    /// from now on. That masked values change because the mask key did; and which rows are not compared.
    pub warnings: Vec<String>,
    /// Says that the target lacks the source's key, in each run.
    pub missing_key: Option<String>,
    /// Why many of its rows may be deleted.
    pub many_deletes: ManyDeletes,
    /// The role's search path on the target, where its sessions do not have it while they read.
    pub path: Option<Sql>,
    /// Who reads and who writes.
    pub roles: Roles,
    /// Whether the role can keep the target's triggers from firing.
    pub can_quiet_triggers: bool,
    /// Whether vanished rows are removed.
    pub deletes: bool,
    /// Whether rows with new keys are inserted, and nothing else is written.
    pub append: bool,
    /// Rows per batch, 1 or more.
    pub batch_size: u64,
    /// What is said of columns that only the target has.
    pub left_columns: Vec<String>,
    /// What is built once the rows are there.
    pub post_data: Vec<Step>,
    /// Whether a dry run meets values that the target takes only when the run has changed a type.
    pub is_widened: bool,
    /// Whether the last run or repair of the table failed, was refused or was skipped.
    pub last_failed: bool,
    /// Whether masked values differ for the key of the masks, which is not that of the last run.
    pub other_mask_key: bool,
}

impl TablePlan {
    /// What the log says of the table when its rows are there. One that stands beside its place is no
    /// success before it is put there.
    pub fn filled(&self) -> &'static str {
        let stands_in = self.name != self.mapping.target.name;
        if stands_in { "running" } else { "success" }
    }

    /// Where reading changed rows starts.
    pub fn reads_from(&self) -> Option<&str> {
        self.reached.as_deref().or(self.watermark.as_deref())
    }

    /// Makes the table one of `ring`, by the names on the target and on the source: all of them are written in one
    /// transaction.
    pub fn join(&mut self, ring: &HashMap<TableName, TableName>) {
        self.shared_transaction = true;
        self.one_statement = true;
        for one in self.cascades.iter_mut().filter(|one| !one.is_kept) {
            let of_another = one.key.child != one.key.parent;
            one.in_circle = ring.get(&one.key.child).filter(|_| of_another).cloned();
        }
    }
}
