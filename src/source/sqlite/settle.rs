//! What a file leaves open, and the target or the values say: a file's names have no case, and its types hold
//! anything.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use super::forms::Forms;
use super::geopackage::Layer;
use super::observe::Looked;
use super::values::{CreatedType, Observed, TimestampForm, created_type, needs_values};
use super::{Source, definitions, observe};
use crate::config::source::GivenTimestamps;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::source::{SourceState, TargetView};
use crate::table::{Column, Table};

/// The forms of timestamps that were found, by table and column.
pub type TimestampForms = HashMap<(TableName, Ident), TimestampForm>;
/// Those that are found when the table is read, if it is.
pub type OpenForms = HashSet<(TableName, Ident)>;

/// What is known of tables before their rows are read.
#[derive(Default)]
pub struct Settled {
    pub forms: TimestampForms,
    pub open: OpenForms,
    /// Tables whose primary key holds no NULL on the target: those that it lacks, and those that have it, or
    /// get it when their rows are there.
    pub keyed: HashSet<TableName>,
}

/// The type that PostGIS has for them.
const GEOMETRY: &str = "geometry";

/// What a file says of a column: how it is declared, and what stands in it.
struct Seen<'s> {
    declared: &'s str,
    values: &'s Observed,
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
            let there = find(target.tables, &(target.named)(&own));
            let name = match there {
                Some(there) if (target.named)(&own).name != there.name.name => {
                    there.name.name.clone()
                }
                Some(_) => own.name.clone(),
                None => Ident::new(own.name.as_str().to_ascii_lowercase()),
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
                let named = (target.named)(&own);
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
        (catalog.tables, catalog.foreign_keys) = (state.tables.clone(), state.foreign_keys.clone());
        let is_made = |name: &TableName| {
            (target.wanted)(name) && find(target.tables, &(target.named)(name)).is_none()
        };
        state.notes.extend(definitions::left_out(&catalog, is_made));
        Ok(())
    }

    /// Finds the types of columns that the target lacks, and the forms of timestamps.
    async fn settle_types(
        &self,
        state: &mut SourceState,
        place: usize,
        target: &TargetView<'_>,
        settled: &mut Settled,
    ) -> Result<()> {
        let declared = self.declared(place);
        let table = &mut state.tables[place];
        let there = find(target.tables, &(target.named)(&table.name));
        let own = table.name.clone();
        let is_there = |column: &Column| {
            let name = (target.column)(&own, &column.name);
            there.is_some_and(|there| find_column(there, &name).is_some())
        };
        let is_open =
            |(column, declared): &(&Column, &String)| !is_there(column) && needs_values(declared);
        let open = table.columns.iter().zip(&declared).filter(is_open);
        let open: Vec<Ident> = open.map(|(column, _)| column.name.clone()).collect();
        let observed = self.observed(&table.name.name, &open).await?;
        let nothing = Observed::default();
        for (column, declared) in Arc::make_mut(&mut table.columns).iter_mut().zip(&declared) {
            let seen = open.iter().position(|name| *name == column.name);
            let seen = seen.map_or(&nothing, |place| &observed[place]);
            if !is_there(column) {
                let name = column.name.clone();
                let text = |text: &String| format!("column \"{}\": {text}", name.as_str());
                let seen = Seen { declared, values: seen };
                match self.create(&own.name, column, &seen, target.postgis) {
                    Ok(note) => state.notes.extend(note.map(|note| (own.clone(), text(&note)))),
                    Err(why) => state.failed.push((own.clone(), blocked(column, &why))),
                }
            }
            if has_moments(column) {
                let given = self.given_form(&table.name.name, &column.name)?;
                // Whose type needs no look at the values, like that of DATE, has a form all the same.
                if (is_there(column) || !needs_values(declared)) && given.is_none() {
                    settled.open.insert((table.name.clone(), column.name.clone()));
                    continue;
                }
                match given.map_or_else(|| seen.timestamps().judge(), |given| Ok(Some(given))) {
                    Ok(Some(form)) => {
                        settled.forms.insert((table.name.clone(), column.name.clone()), form);
                    }
                    Ok(None) => {}
                    Err(mixed) => {
                        state.failed.push((table.name.clone(), blocked(column, &mixed.to_string())))
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives a column that the target lacks its type there; and what somebody should know about that.
    ///
    /// # Errors
    /// Why there is none.
    fn create(
        &self,
        table: &Ident,
        column: &mut Column,
        seen: &Seen<'_>,
        postgis: Option<&Ident>,
    ) -> Result<Option<String>, String> {
        let Some(layer) = self.layer(table, &column.name) else {
            let created = created_type(seen.declared, seen.values);
            let created = created.map_err(|mixed| mixed.to_string())?;
            take_created(column, &created);
            return Ok(created.note);
        };
        let schema = postgis.ok_or(
            "holds geometries, and the target has no type for them: install PostGIS and run there: create \
             extension postgis",
        )?;
        (column.type_schema, column.type_name) = (schema.clone(), Ident::new(GEOMETRY));
        (column.type_text, column.type_modifier) = (layer.type_text(), layer.modifier());
        (column.output, column.floats) = (None, None);
        Ok(None)
    }

    /// What the file says of a column of geometries.
    fn layer(&self, table: &Ident, column: &Ident) -> Option<Layer> {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let mut layers = catalog.layers.iter();
        let is_it = |layer: &&Layer| {
            layer.table.eq_ignore_ascii_case(table.as_str())
                && layer.column.eq_ignore_ascii_case(column.as_str())
        };
        layers.find(is_it).cloned()
    }

    /// The form that the configuration gives a column.
    fn given_form(&self, table: &Ident, column: &Ident) -> Result<Option<TimestampForm>> {
        let mut given = self.file.timestamps.iter();
        let Some(given) = given.find(|given| given.names(table.as_str(), column.as_str())) else {
            return Ok(None);
        };
        given.form.parse().map(Some).map_err(|problem| {
            let GivenTimestamps { table, column, form } = given;
            Error::Config(vec![format!("timestamps: {table}.{column}: \"{form}\" {problem}")])
        })
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

    fn declared(&self, place: usize) -> Vec<String> {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let details = catalog.details.get(place);
        let columns = details.map(|details| details.columns.iter());
        columns.into_iter().flatten().map(|column| column.declared.clone()).collect()
    }

    async fn observed(&self, table: &Ident, columns: &[Ident]) -> Result<Vec<Observed>> {
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let (table, columns) = (table.clone(), columns.to_vec());
        let reader = self.reader().await?;
        let asked = reader.lease()?.ask(move |connection, wanted| {
            observe::columns(connection, wanted, &table, &columns, Looked::All)
        });
        asked.await
    }
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
        let given = (target.column)(&state.tables[place].name, &column);
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
        let lower = || Ident::new(column.as_str().to_ascii_lowercase());
        // What a rule renames stays what the rule calls it.
        let name = match same {
            _ if given != column => column.clone(),
            Some(same) => same.clone(),
            None => lower(),
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

fn blocked(column: &Column, why: &str) -> Error {
    Error::Blocked(format!("column \"{}\" {why}", column.name.as_str()))
}

fn has_moments(column: &Column) -> bool {
    let base = column.under_domains();
    let name = base.type_name.as_str();
    base.is_built_in() && matches!(name, "date" | "timestamp" | "timestamptz")
}

/// Gives a column the type that it will have on the target.
fn take_created(column: &mut Column, created: &CreatedType) {
    column.type_name = Ident::new(created.name);
    column.type_text = created.text.clone();
    column.type_modifier = created.modifier;
    let output = match created.name {
        "timestamp" | "timestamptz" | "date" | "time" | "numeric" | "json" | "uuid" => {
            format!("{}_out", created.name)
        }
        name => format!("{name}out"),
    };
    column.output = Some(Ident::new(output));
    column.floats = (created.name == "float8").then(|| Ident::new("float8send"));
}

fn find<'t>(tables: &'t [Table], name: &TableName) -> Option<&'t Table> {
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

fn find_column<'t>(table: &'t Table, name: &Ident) -> Option<&'t Ident> {
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
