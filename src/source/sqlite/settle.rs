//! What a file leaves open, and the target or the values say: a file's names have no case, and its types hold
//! anything.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use super::catalog::Catalog;
use super::forms::Forms;
use super::values::TimestampForm;
use super::{Source, definitions, references};
use crate::config::source::GivenTimestamps;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::source::{SourceState, TargetView};
use crate::table::Table;

/// The forms of timestamps that were found, by table and column.
pub type TimestampForms = HashMap<(TableName, Ident), TimestampForm>;
/// Those that are found when the table is read, if it is.
pub type OpenForms = HashSet<(TableName, Ident)>;

/// The declarations of columns that the target has.
pub type Declarations = HashMap<(TableName, Ident), String>;

/// What is known of tables before their rows are read.
#[derive(Default)]
pub struct Settled {
    pub forms: TimestampForms,
    pub open: OpenForms,
    pub declared: Declarations,
    /// Tables whose primary key holds no NULL on the target: those that it lacks, and those that have it, or
    /// get it when their rows are there.
    pub keyed: HashSet<TableName>,
}

impl Source {
    /// Lets tables and columns have the names and types that they have on the target: the same name, or one that
    /// differs by case alone. What the target does not have is named in lower case, and has the type that its
    /// declaration and its values ask for.
    ///
    /// # Errors
    /// The file's.
    pub async fn settle(&self, state: &mut SourceState, target: &TargetView<'_>) -> Result<()> {
        let mut settled = Settled::default();
        for place in 0..state.tables.len() {
            let own = state.tables[place].name.clone();
            let known = known_table(&own, target);
            let named = (target.named)(&known);
            let there = find(target.tables, &named);
            let name = match there {
                // What a rule renames stays what the rule calls it.
                Some(there) if named.name == known.name => there.name.name.clone(),
                Some(_) => known.name.clone(),
                None => lower(&own.name),
            };
            let renamed = TableName { schema: own.schema.clone(), name };
            rename_table(state, &own, &renamed);
            let systems = state.systems.iter_mut().filter(|system| system.table == own);
            systems.for_each(|system| system.table = renamed.clone());
            settle_columns(state, place, there, target);
            if there.is_none_or(|there| has_no_null_in_key(&state.tables[place], there, target)) {
                settled.keyed.insert(renamed.clone());
            }
            if (target.wanted)(&renamed) {
                let alike = target.tables.iter().filter(|table| table.name.schema == named.schema);
                let alike = alike.map(|table| &table.name.name);
                if let Some(names) = several_alike(alike, &named.name) {
                    let why = format!(
                        "the target has several tables of that name, {names}: rename all but one"
                    );
                    state.failed.push((renamed.clone(), Error::Blocked(why)));
                }
                self.settle_types(state, place, target, &mut settled).await?;
            }
        }
        self.require_known(&state.tables)?;
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let forms = Forms::of(&state.tables, target, &settled, catalog.srids.as_ref());
        *self.forms.lock().unwrap_or_else(PoisonError::into_inner) = forms;
        catalog.tables = state.tables.clone();
        let Catalog { tables, details, .. } = &mut *catalog;
        for (table, details) in tables.iter().zip(details) {
            let name = (target.named)(&table.name).name;
            let usual = table.name.name.as_str().to_ascii_lowercase();
            details.called = (name.as_str() != usual).then_some(name);
        }
        catalog.foreign_keys = references::possible(state, target);
        let is_made = |name: &TableName| {
            (target.wanted)(name) && find(target.tables, &(target.named)(name)).is_none()
        };
        state.notes.extend(definitions::left_out(&catalog, is_made));
        let lost = references::left_out(state, target, &catalog.lost_references, is_made);
        state.notes.extend(lost);
        Ok(())
    }

    /// A misspelt column would be taken for one without a form.
    fn require_known(&self, tables: &[Table]) -> Result<()> {
        let is_known = |given: &&GivenTimestamps| {
            tables.iter().any(|table| {
                let mut columns = table.columns.iter().map(|column| column.name.as_str());
                columns.any(|column| given.names(table.name.name.as_str(), column))
            })
        };
        let unknown = self.file.timestamps.iter().filter(|given| !is_known(given));
        let problem = |given: &GivenTimestamps| {
            format!("timestamps: the file has no column {}.{}", given.table, given.column)
        };
        let problems: Vec<String> = unknown.map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::Config(problems)) }
    }
}

fn lower(name: &Ident) -> Ident {
    Ident::new(name.as_str().to_ascii_lowercase())
}

/// The name by which rules know a table: that of the file, or the same in lower case, as people write it.
fn known_table(own: &TableName, target: &TargetView<'_>) -> TableName {
    let low = TableName { schema: own.schema.clone(), name: lower(&own.name) };
    let (named, named_low) = ((target.named)(own), (target.named)(&low));
    let is_alike = named.schema == named_low.schema && lower(&named.name) == lower(&named_low.name);
    let is_own = named.name != own.name || target.tables.iter().any(|table| table.name == named);
    if is_alike || is_own { own.clone() } else { low }
}

/// The same of a column.
fn known_column(table: &TableName, own: &Ident, target: &TargetView<'_>) -> Ident {
    let low = lower(own);
    let is_own = (target.column)(table, own) != *own || (target.column)(table, &low) == low;
    if is_own { own.clone() } else { low }
}

/// Lets the columns of one table have the names and types that they have `there`, on the target.
fn settle_columns(
    state: &mut SourceState,
    place: usize,
    there: Option<&Table>,
    target: &TargetView<'_>,
) {
    let columns = state.tables[place].columns.iter().map(|column| column.name.clone());
    for column in columns.collect::<Vec<_>>() {
        let known = known_column(&state.tables[place].name, &column, target);
        let given = (target.column)(&state.tables[place].name, &known);
        let alike = there.into_iter().flat_map(|there| there.columns.iter());
        let open = several_alike(alike.map(|column| &column.name), &given);
        if let Some(names) = open.filter(|_| (target.wanted)(&state.tables[place].name)) {
            let why = format!(
                "the target has several columns that column \"{}\" could be, {names}: rename all but one",
                column.as_str()
            );
            let table = state.tables[place].name.clone();
            state.failed.push((table, Error::Blocked(why)));
        }
        let same = there.and_then(|there| find_column(there, &given));
        // What a rule renames stays what the rule calls it.
        let name = match same {
            _ if given != known => known,
            Some(same) => same.clone(),
            None => lower(&column),
        };
        rename_column(state, place, &column, &name);
        let table = &mut state.tables[place];
        let here = Arc::make_mut(&mut table.columns).iter_mut().find(|here| here.name == name);
        let type_of = there.zip(same).and_then(|(there, same)| there.column(same));
        if let Some((here, there)) = here.zip(type_of) {
            here.take_type(there);
        }
    }
}

/// Whether the columns of the file's primary key are all NOT NULL on the target.
fn has_no_null_in_key(table: &Table, there: &Table, target: &TargetView<'_>) -> bool {
    let primary = table.keys.iter().filter(|key| key.primary);
    let is_never_null = |name: &Ident| {
        there.column(&(target.column)(&table.name, name)).is_some_and(|column| column.not_null)
    };
    primary.flat_map(|key| &key.columns).all(|column| is_never_null(&column.name))
}

/// The table of this name, or of one that differs by case alone.
pub fn find<'t>(tables: &'t [Table], name: &TableName) -> Option<&'t Table> {
    let exact = tables.iter().find(|table| &table.name == name);
    let like = |table: &&Table| {
        table.name.schema == name.schema
            && table.name.name.as_str().eq_ignore_ascii_case(name.name.as_str())
    };
    exact.or_else(|| tables.iter().find(like))
}

/// The names that differ from this one by case, where there are several of them and none is the same: it is not
/// guessed which is meant.
fn several_alike<'n>(names: impl Iterator<Item = &'n Ident>, name: &Ident) -> Option<String> {
    let alike: Vec<&Ident> =
        names.filter(|other| other.as_str().eq_ignore_ascii_case(name.as_str())).collect();
    let is_open = alike.len() > 1 && !alike.contains(&name);
    is_open.then(|| alike.iter().map(|name| name.quoted()).collect::<Vec<_>>().join(" and "))
}

/// The same of columns.
pub fn find_column<'t>(table: &'t Table, name: &Ident) -> Option<&'t Ident> {
    let mut names = table.columns.iter().map(|column| &column.name);
    let exact = table.column(name).map(|column| &column.name);
    exact.or_else(|| names.find(|own| own.as_str().eq_ignore_ascii_case(name.as_str())))
}

fn rename_table(state: &mut SourceState, from: &TableName, to: &TableName) {
    let tables = state.tables.iter_mut().map(|table| &mut table.name);
    let keys = state.foreign_keys.iter_mut().flat_map(|key| [&mut key.child, &mut key.parent]);
    tables.chain(keys).filter(|name| *name == from).for_each(|name| *name = to.clone());
}

fn rename_column(state: &mut SourceState, place: usize, from: &Ident, to: &Ident) {
    let table = &mut state.tables[place];
    let columns = Arc::make_mut(&mut table.columns).iter_mut().map(|column| &mut column.name);
    let keys =
        table.keys.iter_mut().flat_map(|key| &mut key.columns).map(|column| &mut column.name);
    let uniques = table.uniques.iter_mut().flat_map(|unique| &mut unique.columns);
    let own = columns.chain(keys).chain(uniques);
    let references = state.foreign_keys.iter_mut().flat_map(|key| {
        let child = (key.child == table.name).then_some(&mut key.child_columns);
        let parent = (key.parent == table.name).then_some(&mut key.parent_columns);
        child.into_iter().chain(parent).flatten()
    });
    let alike = |name: &&mut Ident| name.as_str().eq_ignore_ascii_case(from.as_str());
    own.chain(references).filter(alike).for_each(|name| *name = to.clone());
}
