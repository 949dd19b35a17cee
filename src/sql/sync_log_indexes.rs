//! The indexes of `sync_log`: what is asked of it costs the same with a million rows as with a hundred.

use super::sync_log::SyncLog;
use crate::sql::{Literal, Sql, sql};

/// An index of the log: its columns and condition, and how both are recognised in its definition.
struct Index {
    columns: &'static str,
    mark: &'static str,
}

/// The first one is as old as the log.
const INDEXES: &[Index] = &[
    // The last word about a table.
    Index { columns: "(schema_name, table_name, id)", mark: "%(schema_name, table_name, id)" },
    // All tables of a run.
    Index { columns: "(run_id)", mark: "%(run_id)" },
    // What a dead run has left: a few rows, whatever else there is about their tables.
    Index {
        columns: "(schema_name, table_name) where status operator(pg_catalog.=) 'running'",
        mark: "%WHERE%status%running%",
    },
    // The tables that pgsync has made.
    Index {
        columns: "(schema_name, table_name, fingerprint) where sync_type operator(pg_catalog.=) 'create'",
        mark: "%WHERE%sync_type%create%",
    },
];

impl SyncLog {
    /// Statements that make all indexes of a log that has just been made.
    pub(super) fn indexes(&self) -> Sql {
        let all = INDEXES.iter().map(|index| self.index(index));
        Sql::join(all, "; ")
    }

    /// The numbers of the indexes that the log of an older version lacks.
    pub fn missing_indexes(&self) -> Sql {
        let marks = INDEXES.iter().map(|index| Literal(index.mark));
        sql!(
            "select u.n from pg_catalog.unnest(array[{marks}]::pg_catalog.text[]) with ordinality as u(mark, n) \
             where not exists (select from pg_catalog.pg_index i where i.indrelid operator(pg_catalog.=) \
             pg_catalog.to_regclass({name}) and i.indisvalid and pg_catalog.pg_get_indexdef(i.indexrelid) \
             operator(pg_catalog.~~) u.mark)",
            marks = Sql::join(marks, ", "),
            name = Literal(&self.table.quoted()),
        )
    }

    /// Makes one of them, by its number, unless somebody is at work on the log for longer.
    pub fn make_index(&self, number: usize) -> Option<Sql> {
        let index = INDEXES.get(number.checked_sub(1)?)?;
        Some(sql!(
            "select pg_catalog.set_config('lock_timeout', '500', true); {index}",
            index = self.index(index)
        ))
    }

    fn index(&self, index: &Index) -> Sql {
        sql!("create index on {log} {of}", log = self.table, of = Sql::trusted(index.columns))
    }
}
