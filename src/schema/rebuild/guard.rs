//! What forbids that a table goes when another takes its place: nothing is lost that a setting, its
//! definition or something else on the target keeps.

use std::collections::HashSet;

use super::plan::parts;
use crate::context::RunContext;
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::rules::Key;
use crate::schema::diff::dropped_keys::key_columns;
use crate::schema_object::view;
use crate::schema_object::{Definitions, Dependents, IncomingKey, Kind, Object};
use crate::table::Table;

impl RunContext<'_> {
    /// What would be lost with the old table, and a setting or its definition keeps. `behind` are its foreign keys that the
    /// new one would not get.
    pub(in crate::schema) fn kept_by_settings(
        &self,
        table: &Table,
        behind: &[&Object],
    ) -> Vec<String> {
        let name = &table.name;
        let keeps_rows = (!self.settings.deletes).then(|| {
            "rows that vanished from the source would go with the old table, and -no-deletes keeps them"
                .to_owned()
        });
        let limits_them = self.settings.max_delete_of(name).is_some().then(|| {
            let is_own = self.settings.rules.effective(name).is_given(Key::MaxDelete);
            let own = format!("-set {name}.maxDelete=off");
            format!(
                "the rows that would go with the old table are not counted, and -max-delete limits them: for one run, add {}",
                if is_own { &own } else { "-max-delete off" }
            )
        });
        let keys = behind.iter().map(|key| {
            let parent = key.parent.as_ref().map(ToString::to_string).unwrap_or_default();
            let own = key.own_name();
            format!("its foreign key {} refers to {parent}: select that table, too", own.typed())
        });
        keeps_rows.into_iter().chain(limits_them).chain(keys).collect()
    }
}

/// Said of a table that somebody drops during the run.
pub(in crate::schema) const GONE: &str = "it has just gone from the target";

/// Why a table that would be rebuilt, for some reasons, is not: all that is in the way.
pub(in crate::schema) fn refusal(reasons: &[String], obstacles: &[String]) -> Error {
    let all = match obstacles {
        [one] => one.clone(),
        _ => {
            let numbered = obstacles.iter().enumerate();
            let numbered = numbered.map(|(place, text)| format!("{}. {text}", place + 1));
            numbered.collect::<Vec<_>>().join("; ")
        }
    };
    Error::Blocked(format!(
        "-ddl reset would rebuild it because {}; it cannot be rebuilt: {all}",
        reasons.join("; ")
    ))
}

/// The foreign keys of the target's table that the new one would not get.
pub(in crate::schema) fn left_behind<'d>(
    source: &'d Definitions,
    target: &Definitions,
    name: &TableName,
    selected: &[&TableName],
) -> Vec<&'d Object> {
    let own =
        |object: &&Object| object.kind == Kind::ForeignKey && object.root.as_ref() == Some(name);
    let unselected =
        |object: &&Object| object.parent.as_ref().is_some_and(|parent| !selected.contains(&parent));
    let keys = source.objects.iter().filter(own).filter(unselected);
    let keys = keys.filter(|key| target.same(key).is_some());
    // Partitions have those of their parents.
    let mut known = HashSet::new();
    keys.filter(|key| known.insert((key.own_name(), &key.parent))).collect()
}

/// What forbids that `old`, the target's table, goes. `others` is what the target has beside the tables that go.
pub(in crate::schema) fn obstacles(
    dependents: &Dependents,
    source: &Definitions,
    others: &Definitions,
    table: &Table,
    old: &Table,
) -> Vec<String> {
    let name = &table.name;
    let mut all = dependents.lacks.clone();
    let elsewhere = parts(source, name).find(|part| part.schema != name.schema);
    all.extend(elsewhere.map(|part| format!("its partition {part} lies in another schema")));
    all.extend(taken(source, others, name).map(|Taken { part, holder }| {
        format!(
            "{part} is its partition on the source, and belongs to {holder} on the target: detach it there, \
             and rename or drop it"
        )
    }));
    if !dependents.blockers.is_empty() {
        all.push(format!(
            "other objects depend on it: {}; drop them and create them again after the run, or alter the table yourself",
            dependents.blockers.join(", ")
        ));
    }
    let views = &dependents.views;
    if !views.is_empty() {
        let (them, verb) = if views.len() == 1 { ("it", "reads") } else { ("them", "read") };
        let lost = columns_besides(old, table);
        let lost: Vec<String> = lost.map(Ident::typed).collect();
        let then = if lost.is_empty() {
            view::restore(views, &dependents.table)
        } else {
            format!("create {them} again, where need be without what is gone ({})", lost.join(", "))
        };
        all.push(format!(
            "{} {verb} it: {}, run on the target: {}; run pgsync again, and then {then}",
            view::named(views),
            view::save(views, them, &dependents.table),
            view::drops(views),
        ));
    }
    all
}

/// The columns of a table that the other one does not have.
fn columns_besides<'t>(table: &'t Table, other: &Table) -> impl Iterator<Item = &'t Ident> {
    let names = table.columns.iter().map(|column| &column.name);
    names.filter(|name| other.column(name).is_none())
}

/// What the new table lacks of that to which the foreign keys of others refer, as far as these stay.
pub(in crate::schema) fn lost_keys(
    dependents: &Dependents,
    source: &Definitions,
    name: &TableName,
    stays: impl Fn(&TableName) -> bool,
) -> Option<String> {
    let keys = dependents.keys.iter().filter(|key| stays(&key.child));
    let lost: Vec<&IncomingKey> = keys.filter(|key| !has_key_for(source, name, key)).collect();
    let first = lost.first()?;
    let columns: Vec<&str> = first.parent_columns.iter().map(Ident::as_str).collect();
    let drops: Vec<&str> = lost.iter().map(|key| key.drop.as_str()).collect();
    Some(format!(
        "foreign key {} of {} refers to ({}), which is no key on the source: run on the target: {}",
        first.name.as_str(),
        first.child,
        columns.join(", "),
        drops.join("; ")
    ))
}

/// Whether the source's table, or its partition of that name, has a key of the columns to which a foreign key refers.
fn has_key_for(source: &Definitions, name: &TableName, key: &IncomingKey) -> bool {
    let is_parent = |table: &&Object| {
        table.root.as_ref() == Some(name)
            && table.name.as_ref().is_some_and(|own| own.name == key.parent)
    };
    let mut tables = source.objects.iter().filter(|object| object.kind == Kind::Table);
    let Some(parent) = tables.find(is_parent) else { return false };
    let wanted: HashSet<&Ident> = key.parent_columns.iter().collect();
    let mut own = source.objects.iter().filter(|own| own.table.as_ref() == Some(&parent.id));
    own.any(|own| key_columns(own).into_iter().collect::<HashSet<&Ident>>() == wanted)
}

/// A partition whose name another table of the target has, and that table.
struct Taken<'d> {
    part: &'d TableName,
    holder: &'d TableName,
}

fn taken<'d>(
    source: &'d Definitions,
    others: &'d Definitions,
    name: &TableName,
) -> Option<Taken<'d>> {
    let tables = source.objects.iter().filter(|object| object.kind == Kind::Table);
    let mut parts = tables.filter(|table| table.root.as_ref() == Some(name));
    parts.find_map(|part| {
        Some(Taken { part: part.name.as_ref()?, holder: others.same(part)?.root.as_ref()? })
    })
}
