//! A key that the source has and the target lacks: rows are then found by all their columns. Said once, with the
//! statement that adds it.

use std::collections::BTreeSet;
use std::fmt;

use crate::ident::Ident;
use crate::plan::Candidate;
use crate::plan::dropping;
use crate::plan::key::means_equality;
use crate::plan::left_columns;
use crate::plan::moves::dropping_index;
use crate::schema_object::Kind;
use crate::sql::mapping::TableMapping;
use crate::table::{ForeignKey, Key, Table};

/// A key that the target could have, and does not.
pub(super) struct MissingKey {
    columns: String,
    /// What adds it.
    statement: String,
}

impl MissingKey {
    /// The key of the source that rows could be told by, of a table whose sides agree on none. None, where what
    /// follows the rows makes one.
    pub fn of(
        candidate: &Candidate<'_>,
        target: &Table,
        mapping: &TableMapping,
    ) -> Option<MissingKey> {
        let source = candidate.source;
        let is_made =
            candidate.post_data.iter().any(|step| matches!(step.kind, Kind::Key | Kind::Index));
        // A key of a partitioned table has to hold the columns that divide it, and those are not known here.
        let is_open =
            mapping.key.is_empty() && !is_made && target.partitioned <= source.partitioned;
        let travels = |name: &Ident| mapping.columns.iter().any(|column| &column.name == name);
        let fits = |key: &&Key| {
            means_equality(key, source) && key.columns.iter().all(|own| travels(&own.name))
        };
        let key = source.keys.iter().filter(|_| is_open).find(fits)?;
        let names = |by: fn(&Ident) -> String| {
            let names: Vec<String> = key.columns.iter().map(|own| by(&own.name)).collect();
            names.join(", ")
        };
        let listed = names(Ident::typed);
        let surplus = Surplus::of(key, candidate, target);
        let takes_primary =
            key.primary && (surplus.is_primary || !target.keys.iter().any(|k| k.primary));
        let adds = if takes_primary {
            format!("add primary key ({listed})")
        } else {
            let holds_null = |name: &Ident| target.column(name).is_some_and(|own| !own.not_null);
            let open = key.columns.iter().map(|own| &own.name).filter(|name| holds_null(name));
            let set = open.map(|name| format!("alter column {} set not null, ", name.typed()));
            set.collect::<String>() + &format!("add unique ({listed})")
        };
        Some(MissingKey {
            columns: names(|name| name.as_str().to_owned()),
            statement: format!(
                "{}alter table {} {}{adds}",
                surplus.before,
                target.name.typed(),
                surplus.drops
            ),
        })
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        format!("run on the target: {}", self.statement)
    }

    /// What gives the target the key.
    pub fn statement(&self) -> &str {
        &self.statement
    }
}

/// Keys of the target with some of the columns of a key of the source: while they are there, rows of the source that differ
/// in the other columns are in each other's way.
struct Surplus {
    is_primary: bool,
    /// Statements that go first.
    before: String,
    /// Parts of the statement that adds the source's key.
    drops: String,
}

impl Surplus {
    fn of(key: &Key, candidate: &Candidate<'_>, target: &Table) -> Self {
        let names = |key: &Key| -> BTreeSet<Ident> {
            key.columns.iter().map(|column| column.name.clone()).collect()
        };
        let wanted = names(key);
        let is_surplus = |there: &&Key| {
            let own = names(there);
            own.is_subset(&wanted) && candidate.source.keys.iter().all(|k| names(k) != own)
        };
        let keys: Vec<&Key> = target.keys.iter().filter(is_surplus).collect();
        let is_meant = |foreign: &&ForeignKey| {
            let parents: BTreeSet<Ident> = foreign.parent_columns.iter().cloned().collect();
            foreign.parent == target.name && keys.iter().any(|key| names(key) == parents)
        };
        let foreign = candidate.references.target.iter().filter(is_meant);
        let mut before: Vec<String> = foreign.map(dropping::foreign_key).collect();
        let mut drops = String::new();
        for key in &keys {
            match target.uniques.iter().find(|unique| unique.name == key.index) {
                Some(index) if !index.constraint => before.push(dropping_index(target, index)),
                _ => drops.push_str(&format!("drop constraint {}, ", key.index.typed())),
            }
        }
        Self {
            is_primary: keys.iter().any(|key| key.primary),
            before: before.iter().map(|statement| format!("{statement}; ")).collect(),
            drops,
        }
    }
}

/// Whether it has to be said: in the first run with the table, and when its columns or its key have changed.
pub(super) fn is_new(candidate: &Candidate<'_>, fingerprint: &str) -> bool {
    let is_first = candidate.last.is_none_or(|last| last.written_as.is_none());
    !candidate.key_is_named && (is_first || left_columns::have_changed(candidate, fingerprint))
}

impl fmt::Display for MissingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the target lacks the key ({}) of the source, so rows are found by all their columns, which is slow, and a \
             changed row is deleted and inserted; {}",
            self.columns,
            self.advice()
        )
    }
}
