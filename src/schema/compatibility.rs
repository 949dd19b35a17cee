//! What two tables' catalogs say before anything is made: what the target's lacks, what no added column
//! fixes, and what both would be after a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::SchemaOutcome;
use super::holders::KeptType;
use super::rebuild::plan::NeedsRebuild;
use crate::builtin_type::BuiltinType;
use crate::config::Settings;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::plan::PlanContext;
use crate::plan::columns::{self, MatchedTarget};
use crate::plan::renamed_columns;
use crate::rules::Ddl;
use crate::schema::diff::SchemaPlan;
use crate::schema::diff::changed_objects::{Difference, Severity, THEN};
use crate::schema::diff::new_values::NewValue;
use crate::schema::diff::type_changes::in_place;
use crate::sql::view::{AddedValue, GrownColumn};
use crate::table::{Column, Sequence, Table};

impl RunContext<'_> {
    /// For a dry run: both sides as they would agree.
    pub(super) fn simulate(
        &self,
        selected: &[&Table],
        new_values: &[NewValue],
        catalogs: &mut Catalogs,
        aligned: &mut SchemaOutcome,
    ) {
        for table in selected {
            let name = self.settings.target_name_of(&table.name);
            match catalogs.target.tables.iter_mut().find(|there| there.name == name) {
                None => aligned.would_be.push(would_be(table, name)),
                Some(there) => {
                    let kept = aligned.kept_types.get(&table.name);
                    let mut grown = widen(table, there, kept.map_or(&[][..], Vec::as_slice));
                    grown.extend(with_new_labels(table, there));
                    grown.extend(add(table, there, new_values));
                    aligned.grown.insert(table.name.clone(), grown);
                    let known = |column: &Ident| there.column(column).is_some();
                    if !table.columns.iter().all(|column| known(&column.name)) {
                        let mut reduced = (*table).clone();
                        Arc::make_mut(&mut reduced.columns).retain(|column| known(&column.name));
                        reduced.keys.retain(|key| key.columns.iter().all(|c| known(&c.name)));
                        aligned.reduced.insert(table.name.clone(), reduced);
                    }
                }
            }
        }
    }
}

impl RunContext<'_> {
    /// What is known before anything is changed: which columns of the target the source may have renamed.
    pub(crate) fn before_changes(&self, selected: &[&Table], catalogs: &Catalogs) -> SchemaOutcome {
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let renamed = selected.iter().filter_map(|table| {
            let target = there.get(&self.settings.target_name_of(&table.name))?;
            Some((table.name.clone(), renamed_columns::among(table, target)))
        });
        let renamed = renamed.filter(|(_, renamed)| !renamed.is_empty()).collect();
        SchemaOutcome { renamed, ..SchemaOutcome::default() }
    }
}

/// What to do where values are computed of other types.
const SAME_TYPES: &str = "give the columns that it reads the source's types there";

/// What differences come to.
#[derive(Default)]
pub(super) struct Classified {
    pub fatal: Vec<(TableName, Error)>,
    pub said: Vec<(TableName, String)>,
}

impl RunContext<'_> {
    /// What is another thing on the target and not fixed in place: rebuilt where that may be, else
    /// a failure where values differ, else only said.
    pub(super) fn weigh<'s>(
        &self,
        differs: Vec<Difference>,
        selected: &[&'s Table],
        outdated: &mut Vec<NeedsRebuild<'s>>,
    ) -> Classified {
        let Classified { mut fatal, mut said } = Classified::default();
        for Difference { table: name, text, weight, remedy, .. } in differs {
            let table = selected.iter().find(|table| table.name == name).copied();
            let may_rebuild = self.may_rebuild(&name);
            let may_ask = self.may_ask_for_rebuild(&name);
            match (weight, table) {
                (Severity::Values | Severity::Form, Some(table)) if may_rebuild => {
                    match outdated.iter_mut().find(|one| one.table.name == name) {
                        Some(known) => known.reasons.push(text),
                        None => outdated.push(NeedsRebuild { table, reasons: vec![text] }),
                    }
                }
                (Severity::Values, _) => {
                    let remedy = remedy.map_or_else(
                        || SAME_TYPES.to_owned(),
                        |statement| format!("run on the target: {statement}"),
                    );
                    let reset = if may_ask { "use -ddl reset, or " } else { "" };
                    let text = format!("{text}, so its values may differ: {reset}{remedy}");
                    fatal.push((name, Error::Blocked(text)));
                }
                (Severity::Form, _) => {
                    let told = of_form(&text, remedy, may_ask);
                    said.push((name, told));
                }
                (Severity::Type | Severity::Part, _) => {
                    let makes_none = self.settings.ddl_of(&name) == Ddl::None;
                    let by_hand = text.split_once(THEN).filter(|_| makes_none);
                    let by_hand = by_hand.map(|(before, _)| {
                        format!(
                            "{before}; the next run prints what creates it as the source has it"
                        )
                    });
                    said.push((name, by_hand.unwrap_or(text)));
                }
                (Severity::Hint | Severity::Ahead, _) => {}
            }
        }
        // A table that is rebuilt gets what the source has.
        said.retain(|(table, _)| outdated.iter().all(|one| &one.table.name != table));
        // Of a domain once, however many tables have it.
        let mut known = HashSet::new();
        said.retain(|(_, text)| known.insert(text.clone()));
        Classified { fatal, said }
    }
}

/// What is said of a table that keeps its rows otherwise than the source does.
fn of_form(text: &str, remedy: Option<String>, may_ask: bool) -> String {
    match remedy {
        Some(statement) => {
            let reset = if may_ask { "use -ddl reset, or " } else { "" };
            format!("{text}; to change it, {reset}run on the target: {statement}")
        }
        None => {
            let reset = if may_ask { ", unless -ddl reset rebuilds it" } else { "" };
            format!("{text}: it stays so{reset}")
        }
    }
}

/// What the target's table would be if a run made it.
pub(super) fn would_be(source: &Table, name: TableName) -> Table {
    let (triggers, rules) = (Vec::new(), Vec::new());
    // The rights of the source's role say nothing of the target's.
    let own = |sequence: &Sequence| Sequence { readable: true, settable: true, ..sequence.clone() };
    let sequences = source.sequences.iter().map(own).collect();
    Table { name, owned: true, triggers, rules, sequences, ..source.clone() }
}

/// Whether the target, as it is known, lacks a table or a column.
pub(super) fn has_missing_objects(
    selected: &[&Table],
    catalogs: &Catalogs,
    settings: &Settings,
) -> bool {
    let there: HashMap<&TableName, &Table> =
        catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
    selected.iter().any(|table| {
        let there = there.get(&settings.target_name_of(&table.name));
        there.is_none_or(|there| table.columns.iter().any(|c| there.column(&c.name).is_none()))
    })
}

impl RunContext<'_> {
    /// Tables on both sides of which the target's cannot hold the source's rows, whatever is added. Columns that would
    /// grow, were they not held, are told with the others of such a table.
    pub(super) async fn incompatible(
        &self,
        selected: &[&Table],
        catalogs: &Catalogs,
        context: &PlanContext,
        schema_plan: &SchemaPlan,
    ) -> Result<BTreeMap<TableName, Error>> {
        let kept = self.kept_types(schema_plan, catalogs).await?;
        let keys = &catalogs.target.foreign_keys.of_tables;
        let judge = |table: &&Table| {
            let name = self.settings.target_name_of(&table.name);
            let there = catalogs.target.tables.iter().find(|there| there.name == name)?;
            let rules = self.settings.rules.effective(&table.name);
            let matched = |kept: &[KeptType]| {
                let grown = grown(table, there, kept);
                let there = MatchedTarget { table: &grown, now: there, foreign_keys: keys };
                columns::match_columns(table, &there, &rules, context).err()
            };
            let error = matched(&[])?;
            let all = kept.get(&table.name).and_then(|kept| matched(kept));
            Some((table.name.clone(), all.unwrap_or(error)))
        };
        Ok(selected.iter().filter_map(judge).collect())
    }
}

/// The target's table with the columns that it lacks, and with those that grow as they will be.
fn grown(source: &Table, target: &Table, kept: &[KeptType]) -> Table {
    let mut grown = target.clone();
    widen(source, &mut grown, kept);
    let lacks = |column: &&Column| target.column(&column.name).is_none();
    let columns = Arc::make_mut(&mut grown.columns);
    columns.extend(source.columns.iter().filter(lacks).cloned());
    grown
}

/// Lets the columns of the target grow that will, and names them.
fn widen(source: &Table, target: &mut Table, kept: &[KeptType]) -> Vec<GrownColumn> {
    let mut grown = Vec::new();
    let is_free = |column: &Column| kept.iter().all(|one| one.column != column.name);
    for column in Arc::make_mut(&mut target.columns).iter_mut().filter(|column| is_free(column)) {
        let Some(here) = source.column(&column.name) else { continue };
        let pair = BuiltinType::of_column(here).zip(BuiltinType::of_column(column));
        if pair.is_some_and(|(here, there)| in_place(here, there)) {
            column.take_type(here);
            grown.push(GrownColumn {
                name: here.name.clone(),
                as_type: here.type_name.clone(),
                added: None,
            });
        }
    }
    grown
}

/// Adds the new columns to the target of which it is known what its rows get in them, and gives those.
fn add(source: &Table, target: &mut Table, new_values: &[NewValue]) -> Vec<GrownColumn> {
    let new = source.columns.iter().filter(|column| target.column(&column.name).is_none());
    let known = new.filter(|column| !column.generated);
    let known = known.filter_map(|column| {
        let is_its = |value: &&NewValue| value.table == source.name && value.column == column.name;
        let own = new_values.iter().find(is_its).map(|value| value.value.clone());
        let is_null = column.is_built_in() && !column.has_default;
        let added = own.or(is_null.then_some(AddedValue::Null))?;
        let (name, as_type) = (column.name.clone(), shown_type(column)?);
        Some((column.clone(), GrownColumn { name, as_type, added: Some(added) }))
    });
    let (columns, added): (Vec<Column>, Vec<GrownColumn>) = known.unzip();
    Arc::make_mut(&mut target.columns).extend(columns);
    added
}

/// The built-in type as which a new column can be digested before the target has its own type. None where a function of
/// that type gives its bytes.
fn shown_type(column: &Column) -> Option<Ident> {
    let base = column.under_domains();
    if base.is_built_in() {
        return Some(base.type_name.clone());
    }
    column.floats.is_none().then(|| Ident::new("text"))
}

/// The columns of enums to which labels will be added: what has those is text until then.
fn with_new_labels(source: &Table, target: &Table) -> Vec<GrownColumn> {
    let labels = |column: &Column| {
        let own = column.parts.iter().find(|part| part.oid == column.type_oid);
        own.map(|part| part.labels.clone())
    };
    let lacks = |there: &&Column| {
        let here = source.column(&there.name).and_then(labels).unwrap_or_default();
        let known = labels(there).unwrap_or_default();
        !known.is_empty() && here.iter().any(|label| !known.contains(label))
    };
    let columns = target.columns.iter().filter(lacks);
    let as_text = |column: &Column| GrownColumn {
        name: column.name.clone(),
        as_type: Ident::new("text"),
        added: None,
    };
    columns.map(as_text).collect()
}
