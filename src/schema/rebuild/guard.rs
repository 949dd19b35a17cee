//! What forbids that a table goes when another takes its place: nothing is lost that a setting, its
//! definition or something else on the target keeps.

use std::collections::HashSet;

use super::plan::parts;
use crate::context::RunContext;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::rules::Key;
use crate::schema::diff::dropped_keys::key_columns;
use crate::schema_object::view::{self, View};
use crate::schema_object::{Definitions, Dependents, IncomingKey, Kind, Object};
use crate::table::Table;

impl RunContext<'_> {
    /// Whether nothing would be lost with the old table that a setting or its definition keeps.
    pub(in crate::schema) fn check_rebuild_allowed(
        &self,
        table: &Table,
        behind: Option<&Object>,
    ) -> Result<()> {
        let name = &table.name;
        let why = match (self.settings.deletes, self.settings.max_delete_of(name), behind) {
            (false, _, _) => "rows that vanished from the source would go with the old table, and \
                              -no-deletes keeps them"
                .to_owned(),
            (_, Some(_), _) => {
                let is_own = self.settings.rules.effective(name).is_given(Key::MaxDelete);
                let own = format!("-set {name}.maxDelete=off");
                format!(
                    "the rows that would go with the old table are not counted, and -max-delete limits them: allow it for \
                     one run: {}",
                    if is_own { &own } else { "-max-delete off" }
                )
            }
            (_, _, Some(key)) => {
                let parent = key.parent.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("its foreign key {} refers to {parent}: select that table, too", key.id)
            }
            _ => return Ok(()),
        };
        Err(refusal(why))
    }
}

fn refusal(why: String) -> Error {
    Error::Blocked(format!("it cannot be rebuilt: {why}"))
}

/// A foreign key of the target's table that the new one would not get.
pub(in crate::schema) fn left_behind<'d>(
    source: &'d Definitions,
    target: &Definitions,
    name: &TableName,
    selected: &[&TableName],
) -> Option<&'d Object> {
    let own =
        |object: &&Object| object.kind == Kind::ForeignKey && object.root.as_ref() == Some(name);
    let unselected =
        |object: &&Object| object.parent.as_ref().is_some_and(|parent| !selected.contains(&parent));
    source.objects.iter().filter(own).filter(unselected).find(|key| target.same(key).is_some())
}

/// Whether nothing forbids that the target's table goes. `others` is what the target has beside the
/// tables that go.
pub(in crate::schema) fn check_dependents<'k>(
    dependents: Option<&'k Dependents>,
    source: &Definitions,
    others: &Definitions,
    name: &TableName,
) -> Result<&'k Dependents, Error> {
    let dependents =
        dependents.ok_or_else(|| refusal("it has just gone from the target".to_owned()))?;
    if !dependents.lacks.is_empty() {
        return Err(refusal(dependents.lacks.join("; ")));
    }
    let elsewhere = parts(source, name).find(|part| part.schema != name.schema);
    if let Some(part) = elsewhere {
        return Err(refusal(format!("its partition {part} lies in another schema")));
    }
    if let Some(Taken { part, holder }) = taken(source, others, name) {
        return Err(refusal(format!(
            "{part} is its partition on the source, and belongs to {holder} on the target: detach it there, \
             and rename or drop it"
        )));
    }
    if !dependents.blockers.is_empty() {
        let titles = dependents.views.iter().map(View::title);
        return Err(refusal(format!(
            "other objects depend on it: {}; drop them and create them again after the run, or alter the table yourself",
            titles.chain(dependents.blockers.iter().cloned()).collect::<Vec<_>>().join(", ")
        )));
    }
    let views = &dependents.views;
    if views.is_empty() {
        return Ok(dependents);
    }
    let (them, verb) = if views.len() == 1 { ("it", "reads") } else { ("them", "read") };
    Err(refusal(format!(
        "{} {verb} it: {}, run on the target: {}; run pgsync again, and then {}",
        view::named(views),
        view::save(views, them),
        view::drops(views),
        view::restore(views)
    )))
}

/// Whether the new table has what the foreign keys of others refer to, as far as these stay.
pub(in crate::schema) fn check_keys<'k>(
    dependents: &'k Dependents,
    source: &Definitions,
    name: &TableName,
    stays: impl Fn(&TableName) -> bool,
) -> Result<&'k Dependents> {
    let keys = dependents.keys.iter().filter(|key| stays(&key.child));
    let lost: Vec<&IncomingKey> = keys.filter(|key| !has_key_for(source, name, key)).collect();
    let Some(first) = lost.first() else { return Ok(dependents) };
    let columns: Vec<&str> = first.parent_columns.iter().map(Ident::as_str).collect();
    let drops: Vec<&str> = lost.iter().map(|key| key.drop.as_str()).collect();
    Err(refusal(format!(
        "foreign key {} of {} refers to ({}), which is no key on the source: run on the target: {}",
        first.name.as_str(),
        first.child,
        columns.join(", "),
        drops.join("; ")
    )))
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
