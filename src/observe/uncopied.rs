//! Says after a first copy what an application still lacks on the target: pgsync copies no views, triggers and
//! the like.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::Ddl;
use crate::context::RunContext;
use crate::error::Result;
use crate::ident::{Ident, TableName, as_argument};
use crate::note::NoteLevel;
use crate::pg::uncopied::UncopiedObject;
use crate::plan::LastRun;
use crate::sync_log::store;
use crate::table::Table;

/// Wherever one is, it serves the whole database.
const EXTENSION: &str = "extension";
/// One and several of each kind, in the order in which they are named.
const KINDS: [(&str, &str); 11] = [
    (EXTENSION, "extensions"),
    ("view", "views"),
    ("materialized view", "materialized views"),
    ("foreign table", "foreign tables"),
    ("trigger", "triggers"),
    ("rule", "rules"),
    ("policy", "policies"),
    ("function", "functions"),
    ("function in C", "functions in C"),
    ("procedure", "procedures"),
    ("aggregate", "aggregates"),
];

/// The tables of a run with which no run came to its end so far.
pub(crate) struct NewTables {
    count: usize,
    selected: usize,
    /// Schemas of the source that have no other selected tables.
    schemas: Vec<Ident>,
}

impl NewTables {
    /// Among the selected tables of the source, which have these names on the target.
    pub(crate) fn among(
        selected: &[&Table],
        names: &[&TableName],
        last: &HashMap<TableName, LastRun>,
    ) -> Self {
        let is_new = |name: &TableName| !last.get(name).is_some_and(LastRun::has_ended);
        let mut schemas: BTreeMap<&Ident, bool> = BTreeMap::new();
        for (table, name) in selected.iter().zip(names) {
            *schemas.entry(&table.name.schema).or_insert(true) &= is_new(name);
        }
        let schemas = schemas.into_iter().filter_map(|(schema, is_new)| is_new.then_some(schema));
        Self {
            count: names.iter().filter(|name| is_new(name)).count(),
            selected: names.len(),
            schemas: schemas.cloned().collect(),
        }
    }
}

impl RunContext<'_> {
    /// One note, in the first run, in one that follows none that came to its end, and in one of which most tables are
    /// new to the log: the runs before were of some tables. A later run that has come to more schemas
    /// says it of these. Whoever names tables means no more than those.
    pub(crate) async fn note_uncopied(&self, new: &NewTables) -> Result<()> {
        let settings = self.settings;
        if new.count == 0
            || settings.dry_run
            || settings.ddl == Ddl::None
            || !settings.include.is_empty()
        {
            return Ok(());
        }
        let is_first = new.count * 2 >= new.selected
            || !store::has_ended_run(self.target, &self.sync_log, self.run_id).await?;
        if is_first {
            self.note_other_schemas().await?;
            self.note_lacking(&settings.schemas, true).await
        } else {
            self.note_lacking(&new.schemas, false).await
        }
    }

    /// Extensions belong to the whole database.
    async fn note_lacking(&self, schemas: &[Ident], extensions: bool) -> Result<()> {
        if schemas.is_empty() {
            return Ok(());
        }
        let settings = self.settings;
        let targets = settings.target_schemas();
        let (source, target) = tokio::try_join!(
            self.source.uncopied(schemas),
            self.target.control.uncopied(&targets),
        )?;
        let target: HashSet<UncopiedObject> = target.into_iter().collect();
        let renamed = |mut object: UncopiedObject| {
            if object.kind != EXTENSION {
                object.schema = settings.target_schema.clone().unwrap_or(object.schema);
            }
            object
        };
        let missing = source
            .into_iter()
            .filter(|object| extensions || object.kind != EXTENSION)
            .map(renamed)
            .filter(|object| !target.contains(object));
        if let Some(counts) = counted(&missing.collect::<Vec<_>>()) {
            let text = format!(
                "not copied: {counts}; an application may need them: \"What an application still lacks\" in \
                 docs/schema-changes.md says how to bring them"
            );
            self.note(NoteLevel::Notice, None, text);
        }
        Ok(())
    }
}

/// Schemas that a note names at most.
const NAMED: usize = 5;

impl RunContext<'_> {
    /// Says where else there are tables, to somebody who has chosen no schema.
    async fn note_other_schemas(&self) -> Result<()> {
        let chosen = &self.settings.schemas;
        if !matches!(&chosen[..], [only] if only.as_str() == "public") {
            return Ok(());
        }
        let others = self.source.filled_schemas().await?;
        let others: Vec<&str> =
            others.iter().filter(|one| !chosen.contains(one)).map(Ident::as_str).collect();
        if others.is_empty() {
            return Ok(());
        }
        let more = match others.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = &others[..others.len().min(NAMED)];
        let text = format!(
            "only the tables of the schema public are selected; there are tables in {}{more}, too: -schema {}",
            named.join(", "),
            as_argument(&[&["public"], named].concat()),
        );
        self.note(NoteLevel::Notice, None, text);
        Ok(())
    }
}

/// `1 extension (citext), 2 views`; nothing of nothing.
fn counted(objects: &[UncopiedObject]) -> Option<String> {
    let counts = KINDS.iter().filter_map(|(one, several)| {
        let of_kind = objects.iter().filter(|object| object.kind == *one);
        let mut names: Vec<&str> = of_kind.map(|object| object.name.as_str()).collect();
        names.sort_unstable();
        // The statements that bring others bring no extension.
        let named = (*one == EXTENSION).then(|| format!(" ({})", names.join(", ")));
        let named = named.unwrap_or_default();
        match names.len() {
            0 => None,
            1 => Some(format!("1 {one}{named}")),
            n => Some(format!("{n} {several}{named}")),
        }
    });
    let counts: Vec<String> = counts.collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Ident;

    #[test]
    fn what_is_missing_is_counted_by_its_kind() {
        let object = |kind: &str, name: &str| UncopiedObject {
            kind: kind.to_owned(),
            schema: Ident::new("public"),
            name: name.to_owned(),
        };
        let objects = [
            object("function in C", "f()"),
            object("view", "a"),
            object("view", "b"),
            object("policy", "t p"),
            object("extension", "hstore"),
            object("extension", "isn"),
        ];
        let counted_as = "2 extensions (hstore, isn), 2 views, 1 policy, 1 function in C";
        assert_eq!(counted(&objects).as_deref(), Some(counted_as));
        assert_eq!(counted(&[]), None);
    }
}
