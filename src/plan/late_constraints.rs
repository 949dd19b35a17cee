//! Deferrable constraints of the target that rows of the source need not keep. The replica role switches off their check, so
//! that a table with one is written outside of it.

use std::collections::BTreeSet;

use crate::ident::Ident;
use crate::rules::{Mode, TableRules};
use crate::table::{Key, Table};

/// What is unique in a table, or exclusive.
struct Distinct<'t> {
    name: &'t Ident,
    exclusion: bool,
    nulls_distinct: bool,
    columns: BTreeSet<&'t Ident>,
}

/// Whether the target's table has a deferrable unique or exclusion constraint that rows may violate, though the source has them.
pub fn has_own_late_constraint(source: &Table, target: &Table, rules: &TableRules) -> bool {
    let keeps_rows = !rules.deletes || rules.mode == Mode::Append;
    let here: Vec<Distinct<'_>> = distinct(source, |_| true).collect();
    let mut late = distinct(target, |is_late| is_late);
    late.any(|own| {
        let is_masked =
            rules.mask.keys().any(|name| own.columns.contains(rules.target_column(name)));
        keeps_rows || is_masked || !here.iter().any(|other| own.is_kept_by(other))
    })
}

impl Distinct<'_> {
    fn of_key(key: &Key) -> Distinct<'_> {
        Distinct {
            name: &key.index,
            exclusion: false,
            nulls_distinct: true,
            columns: key.columns.iter().map(|column| &column.name).collect(),
        }
    }

    /// Whether rows that keep a constraint of the source keep this one.
    fn is_kept_by(&self, other: &Self) -> bool {
        if self.exclusion {
            return other.exclusion && self.name == other.name && self.columns == other.columns;
        }
        !other.exclusion
            && !other.columns.is_empty()
            && other.columns.is_subset(&self.columns)
            && (self.nulls_distinct || !other.nulls_distinct)
    }
}

/// The keys and constraints of a table; `is_meant` is asked of whether each is deferrable.
fn distinct(table: &Table, is_meant: fn(bool) -> bool) -> impl Iterator<Item = Distinct<'_>> {
    let keys = table.keys.iter().filter(move |key| is_meant(key.deferrable)).map(Distinct::of_key);
    let constraints = table.uniques.iter().filter(|unique| unique.constraint);
    let constraints = constraints.filter(move |unique| is_meant(unique.deferrable));
    keys.chain(constraints.map(|unique| Distinct {
        name: &unique.name,
        exclusion: unique.exclusion,
        nulls_distinct: unique.nulls_distinct,
        columns: unique.columns.iter().collect(),
    }))
}
