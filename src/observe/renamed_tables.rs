//! Tables of the target that the source may have renamed, and the statements that rename them there.

use std::collections::HashMap;

use crate::context::{Catalogs, RunContext};
use crate::ident::TableName;
use crate::plan::dropping;
use crate::plan::renamed_columns::{self, RenamedColumn};
use crate::table::{ForeignKey, Key, Sequence, Table};

/// A table of the target with the one of the source that it may be.
pub(super) struct RenamedTable<'t> {
    pub old: &'t Table,
    pub new: &'t Table,
    /// What the new one is called on the target.
    pub place: TableName,
    /// Columns that were renamed with it.
    columns: Vec<RenamedColumn>,
}

impl RunContext<'_> {
    /// The tables among `gone`, by their names, that may be one of `new`: those that the target lacked. Of a table that a
    /// rule brings elsewhere now, `moved` gives the place.
    pub(super) fn renamed_tables<'t>(
        &self,
        gone: &[&'t TableName],
        new: &[&'t Table],
        moved: &dyn Fn(&TableName) -> Option<TableName>,
        catalogs: &'t Catalogs,
    ) -> HashMap<&'t TableName, RenamedTable<'t>> {
        let place = |new: &Table| self.settings.target_name_of(&new.name);
        let gone = gone.iter().filter_map(|name| {
            let old = catalogs.target.tables.iter().find(|table| table.name == **name)?;
            Some((*name, old, moved(name)))
        });
        let gone: Vec<(&TableName, &Table, Option<TableName>)> = gone.collect();
        let mut renamed = HashMap::new();
        for (name, old, moved) in &gone {
            let may_be = |new: &&&Table| {
                has_same_columns(old, new) && moved.as_ref().is_none_or(|to| *to == place(new))
            };
            if let Some(new) = new.iter().find(may_be) {
                renamed.insert(*name, RenamedTable::of(old, new, place(new)));
            }
        }
        // What has other columns by now is asked for where nothing else can be meant.
        let is_open = |new: &&&Table| {
            !renamed.values().any(|one: &RenamedTable<'_>| one.new.name == new.name)
        };
        let open: Vec<&Table> = new.iter().filter(is_open).copied().collect();
        let alike = |old: &Table| {
            let mut all = open.iter().filter(|new| is_alike(old, new)).copied();
            all.next().filter(|_| all.next().is_none())
        };
        let left =
            gone.iter().filter(|(name, _, moved)| !renamed.contains_key(name) && moved.is_none());
        let left: Vec<RenamedTable<'t>> = left
            .filter_map(|(_, old, _)| alike(old).map(|new| RenamedTable::of(old, new, place(new))))
            .collect();
        let is_lone = |one: &RenamedTable<'_>| {
            left.iter().filter(|other| other.new.name == one.new.name).count() == 1
        };
        let lone: Vec<bool> = left.iter().map(is_lone).collect();
        let left = left.into_iter().zip(lone).filter(|(_, is_lone)| *is_lone);
        renamed.extend(left.map(|(one, _)| (&one.old.name, one)));
        renamed
    }

    /// The statements that give the rows of the old table the name that a run may meanwhile have given to a new one.
    pub(super) fn renaming(&self, renamed: &RenamedTable<'_>, catalogs: &Catalogs) -> Vec<String> {
        let RenamedTable { old, new, place, columns } = renamed;
        let named = |name: &TableName| self.settings.target_name_of(name);
        let is_there = |own: &ForeignKey| {
            let mut keys = catalogs.target.foreign_keys.of_tables.iter();
            keys.any(|key| key.child == own.child && key.name == own.name)
        };
        // A run may have given them to the new table; the next one gives them to this one.
        let refers = |key: &&ForeignKey| key.parent == new.name && key.child != new.name;
        let referring = catalogs
            .source
            .foreign_keys
            .iter()
            .filter(refers)
            .map(|key| ForeignKey { child: named(&key.child), ..key.clone() });
        let referring = referring.filter(|key| key.has_columns() && !is_there(key));
        let mut statements: Vec<String> =
            referring.map(|key| dropping::foreign_key(&key)).collect();
        statements.extend(given_back(old, new, &named));
        statements.push(format!("drop table if exists {}", place.typed()));
        let mut moved = old.name.clone();
        if moved.schema != place.schema {
            let schema = place.schema.typed();
            if !catalogs.target.server.schemas.contains(&place.schema) {
                statements.push(format!("create schema {schema}"));
            }
            statements.push(format!("alter table {} set schema {schema}", moved.typed()));
            moved.schema = place.schema.clone();
        }
        if moved.name != place.name {
            let name = place.name.typed();
            statements.push(format!("alter table {} rename to {name}", moved.typed()));
        }
        statements.extend(columns.iter().map(|column| column.statement(place)));
        statements
    }
}

impl<'t> RenamedTable<'t> {
    fn of(old: &'t Table, new: &'t Table, place: TableName) -> Self {
        Self { old, new, place, columns: renamed_columns::among(new, old) }
    }
}

/// The statements that give the old table the sequences that a run gives to the new one, or has given to it: they
/// would be dropped with that.
fn given_back(old: &Table, new: &Table, named: &dyn Fn(&TableName) -> TableName) -> Vec<String> {
    let taken = |own: &&Sequence| {
        own.plain && new.sequences.iter().any(|one| one.serial && named(&one.name) == own.name)
    };
    let statement = |own: &Sequence| {
        let column = format!("{}.{}", old.name.typed(), own.column.typed());
        format!("alter sequence {} owned by {column}", own.name.typed())
    };
    old.sequences.iter().filter(taken).map(statement).collect()
}

fn has_same_columns(old: &Table, new: &Table) -> bool {
    let shape = |table: &Table| -> Vec<String> {
        let columns = table.columns.iter();
        let mut columns: Vec<String> =
            columns.map(|one| format!("{} {}", one.name.quoted(), one.type_text)).collect();
        columns.sort();
        columns
    };
    !old.columns.is_empty() && shape(old) == shape(new)
}

/// Whether most columns of both are the same, and at most a few have other names or only one of them has them; and whether
/// rows are told by the same types.
fn is_alike(old: &Table, new: &Table) -> bool {
    let same = old.columns.iter().filter(|column| {
        new.column(&column.name).is_some_and(|new| new.type_text == column.type_text)
    });
    let (same, renamed) = (same.count(), renamed_columns::among(new, old).len());
    let others = old.columns.len().max(new.columns.len()).saturating_sub(same + renamed);
    let of_key = |table: &Table| {
        let primary = table.keys.iter().find(|key| key.primary);
        let types = |key: &Key| {
            let columns = key.columns.iter().filter_map(|one| table.column(&one.name));
            let mut types: Vec<String> = columns.map(|one| one.type_text.clone()).collect();
            types.sort();
            types
        };
        primary.map(types)
    };
    same > 0 && renamed <= same && others * 3 <= same && of_key(old) == of_key(new)
}
