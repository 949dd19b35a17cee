//! Masks, checked before the first row leaves the source: by both catalogs, and by the source itself, of
//! which only counts come back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::config::Unmasked;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::note::NoteLevel;
use crate::plan::guard;
use crate::plan::guard::UnmaskedColumns;
use crate::plan::masking::{self, Ruled};
use crate::rules::Mask;
use crate::sql::mask::MaskHash;
use crate::table::Table;

/// The selected tables with what counts for them.
pub(super) struct RuledTables<'t> {
    pub ruled: Ruled<'t>,
    pub problems: Vec<String>,
    /// Columns whose masks need not be tried any more.
    pub bad: BadMasks,
}

/// By table, columns whose masks are known to be wrong.
#[derive(Default)]
pub(super) struct BadMasks(BTreeMap<TableName, BTreeSet<Ident>>);

impl BadMasks {
    /// Whether the mask of this column is one of them.
    pub fn contains(&self, table: &TableName, column: &Ident) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains(column))
    }
}

/// What is wrong with the mask of one column.
struct MaskProblem {
    /// Where the mask stands.
    place: String,
    /// Whether it was given for this column. A foreign key may have handed it on.
    is_given: bool,
    text: String,
}

/// Without what is wrong only because the mask that was handed on is wrong where it was given.
fn causes(found: Vec<MaskProblem>) -> impl Iterator<Item = String> {
    let given = found.iter().filter(|one| one.is_given);
    let places: HashSet<String> = given.map(|one| one.place.clone()).collect();
    let is_cause = move |one: &MaskProblem| one.is_given || !places.contains(&one.place);
    found.into_iter().filter(is_cause).map(|one| one.text)
}

impl RunContext<'_> {
    /// What counts for each selected table, with the masks that foreign keys hand on; and what is wrong.
    pub(super) fn ruled<'t>(
        &self,
        selected: &[&'t Table],
        tables: &'t [Table],
        catalogs: &Catalogs,
    ) -> RuledTables<'t> {
        let rules = &self.settings.rules;
        let ruled = tables.iter().map(|table| (table, rules.effective(&table.name)));
        let mut ruled: Ruled<'t> = ruled.collect();
        let names: HashSet<&TableName> = selected.iter().map(|table| &table.name).collect();
        let keys = &catalogs.source.foreign_keys;
        let mut problems = masking::inherit(&mut ruled, keys, |table| names.contains(table));
        ruled.retain(|(table, _)| names.contains(&table.name));
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let mut bad = BadMasks::default();
        let mut found = Vec::new();
        for (table, effective) in &ruled {
            let target = there.get(&effective.target_name(&table.name)).copied();
            let given = rules.effective(&table.name).mask;
            for (column, text) in masking::problems(table, effective, target) {
                let place = masking::place(effective, &column);
                found.push(MaskProblem { place, is_given: given.contains_key(&column), text });
                bad.0.entry(table.name.clone()).or_default().insert(column);
            }
        }
        problems.extend(causes(found));
        RuledTables { ruled, problems, bad }
    }

    /// By what values are hashed.
    pub(super) fn mask_hash(&self, catalogs: &Catalogs) -> MaskHash {
        MaskHash::of(catalogs.source.server.version)
    }

    /// Columns of people's words that nobody has thought of stop the run.
    ///
    /// # Errors
    /// [`Error::Refused`] with the lines to paste.
    pub(crate) fn guard_unmasked(&self, open: &UnmaskedColumns) -> Result<()> {
        if open.is_empty() {
            return Ok(());
        }
        let text = guard::message(open, self.settings.include.is_empty());
        match self.settings.unmasked {
            Unmasked::Fail => Err(Error::Refused(text)),
            Unmasked::Note => {
                self.note(NoteLevel::Warning, None, text);
                Ok(())
            }
            Unmasked::Off => Ok(()),
        }
    }

    /// What the key makes of a constant: it differs for another key, and tells nothing about it.
    pub(super) async fn key_mark(&self, ruled: &Ruled<'_>, catalogs: &Catalogs) -> Result<String> {
        let is_keyed = |mask: &Mask| mask.is_keyed();
        if !ruled.iter().any(|(_, rules)| rules.mask.values().any(is_keyed)) {
            return Ok(String::new());
        }
        let reader = self.source.reader().await?;
        let mark = reader.mask_key_mark(self.mask_hash(catalogs)).await?;
        self.source.release(reader, false).await;
        Ok(mark)
    }
}
