//! The types of columns that the target lacks, and the forms of timestamps.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::geopackage::Layer;
use super::observe::{self, Looked, SeenColumn};
use super::settle::{Settled, find, find_column};
use super::values::{
    CreatedType, Departure, Fit, GeometryLimits, Observed, Srids, TimestampForm, created_moment,
    created_type, needed_fit,
};
use super::{Source, definitions};
use crate::config::source::GivenTimestamps;
use crate::error::{Error, Result};
use crate::ident::Ident;
use crate::source::{SourceState, TargetView};
use crate::table::{Column, Table};

/// The type that PostGIS has for them.
const GEOMETRY: &str = "geometry";

/// Columns that a note names, at most.
const NAMED: usize = 5;

/// What is known of a column before its values are looked at.
struct OpenColumn {
    declared: String,
    /// What the file says of its geometries.
    layer: Option<Layer>,
    /// The form that the configuration gives it.
    given: Option<TimestampForm>,
    is_there: bool,
    travels: bool,
}

impl OpenColumn {
    /// What its values have to tell; none where its type is settled without them.
    fn fit(&self, srids: Option<&Arc<Srids>>) -> Option<Fit> {
        if self.is_there || !self.travels {
            return None;
        }
        match (&self.layer, self.given) {
            (Some(layer), _) => {
                let limits = GeometryLimits::of_modifier(layer.modifier())?;
                Some(Fit::Geometry { srids: srids?.clone(), limits })
            }
            (None, Some(_)) => None,
            (None, None) => needed_fit(&self.declared),
        }
    }

    /// Gives the column its type on the target; and why it is not the declared one.
    ///
    /// # Errors
    /// Why there is none.
    fn create(
        &self,
        column: &mut Column,
        seen: &Observed,
        postgis: Option<&Ident>,
    ) -> Result<Option<Departure>, String> {
        let Some(layer) = &self.layer else {
            let created = match self.given {
                Some(_) => created_moment(&self.declared),
                None => created_type(&self.declared, seen).map_err(|mixed| mixed.to_string())?,
            };
            take_created(column, &created);
            return Ok(created.departure);
        };
        let schema = postgis.ok_or(
            "holds geometries, and the target has no type for them: install PostGIS and run on the target: \
             create extension postgis",
        )?;
        let strays = seen.strays();
        let layer = match strays {
            Some(Departure::Kind) => layer.clone().of_any_kind(),
            Some(_) => layer.clone().of_any(),
            None => layer.clone(),
        };
        (column.type_schema, column.type_name) = (schema.clone(), Ident::new(GEOMETRY));
        (column.type_text, column.type_modifier) = (layer.type_text(), layer.modifier());
        (column.output, column.floats) = (None, None);
        Ok(strays)
    }
}

impl Source {
    /// Finds the types of columns that the target lacks, and the forms of timestamps.
    pub(super) async fn settle_types(
        &self,
        state: &mut SourceState,
        place: usize,
        target: &TargetView<'_>,
        settled: &mut Settled,
    ) -> Result<()> {
        let open = self.open_columns(place, &state.tables[place], target)?;
        let observed = match self.observed(&state.tables[place], &open).await {
            Err(damaged @ Error::Database(_)) => {
                state.failed.push((state.tables[place].name.clone(), damaged));
                return Ok(());
            }
            observed => observed?,
        };
        let table = &mut state.tables[place];
        let own = table.name.clone();
        let names = table.columns.iter().zip(&open).filter(|(_, open)| open.travels);
        let names = names.map(|(column, _)| (target.column)(&own, &column.name));
        let names: Vec<Ident> = names.collect();
        if find(target.tables, &(target.named)(&own)).is_none()
            && let Some(why) = definitions::unusable(&(target.named)(&own).name, &names)
        {
            state.failed.push((own.clone(), Error::Blocked(why)));
        }
        let mut departures: BTreeMap<Departure, Vec<Ident>> = BTreeMap::new();
        let columns = Arc::make_mut(&mut table.columns).iter_mut();
        for (column, (open, seen)) in columns.zip(open.iter().zip(&observed)) {
            if !open.travels {
                continue;
            }
            if open.is_there {
                let name = (own.clone(), column.name.clone());
                settled.declared.insert(name, open.declared.clone());
            } else {
                match open.create(column, seen, target.postgis) {
                    Ok(Some(why)) => departures.entry(why).or_default().push(column.name.clone()),
                    Ok(None) => {}
                    Err(why) => state.failed.push((own.clone(), blocked(column, &why))),
                }
            }
            if !has_moments(column) {
                let text = || no_effect(column);
                state.notes.extend(open.given.map(|_| (own.clone(), text())));
                continue;
            }
            let name = (own.clone(), column.name.clone());
            if let Some(given) = open.given {
                settled.forms.insert(name, given);
            } else if open.is_there || needed_fit(&open.declared).is_none() {
                // Whose type needs no look at the values, like that of DATE, has a form all the same.
                settled.open.insert(name);
            } else if let Ok(Some(form)) = seen.timestamps().judge() {
                settled.forms.insert(name, form);
            }
        }
        let notes = departures.iter().map(|(why, columns)| (own.clone(), told(*why, columns)));
        state.notes.extend(notes);
        Ok(())
    }

    fn open_columns(
        &self,
        place: usize,
        table: &Table,
        target: &TargetView<'_>,
    ) -> Result<Vec<OpenColumn>> {
        let there = find(target.tables, &(target.named)(&table.name));
        let travelling = (target.travelling)(table);
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let details = catalog.details.get(place).into_iter().flat_map(|details| &details.columns);
        let open = table.columns.iter().zip(details).map(|(column, details)| {
            let name = (target.column)(&table.name, &column.name);
            let is_it = |layer: &&Layer| layer.is_of(&table.name.name, &column.name);
            Ok(OpenColumn {
                declared: details.declared.clone(),
                layer: catalog.layers.iter().find(is_it).cloned(),
                given: self.given_form(&table.name.name, &column.name)?,
                is_there: there.is_some_and(|there| find_column(there, &name).is_some()),
                travels: travelling.contains(&column.name),
            })
        });
        open.collect()
    }

    /// What stands in the columns, as far as that is needed.
    async fn observed(&self, table: &Table, open: &[OpenColumn]) -> Result<Vec<Observed>> {
        let srids = self.catalog.lock().unwrap_or_else(PoisonError::into_inner).srids.clone();
        let mut observed: Vec<Observed> = open.iter().map(|_| Observed::default()).collect();
        let (mut places, mut columns) = (Vec::new(), Vec::new());
        for (place, (column, open)) in table.columns.iter().zip(open).enumerate() {
            if let Some(fit) = open.fit(srids.as_ref()) {
                places.push(place);
                columns.push(SeenColumn { name: column.name.clone(), observed: Observed::of(fit) });
            }
        }
        if columns.is_empty() {
            return Ok(observed);
        }
        let name = table.name.name.clone();
        let reader = self.reader().await?;
        let asked = reader.lease()?.ask(move |connection, wanted| {
            observe::columns(connection, wanted, &name, columns, Looked::All)
        });
        for (place, seen) in places.into_iter().zip(asked.await?) {
            observed[place] = seen;
        }
        Ok(observed)
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
}

/// What is said of columns that are not made as they are declared.
fn told(why: Departure, columns: &[Ident]) -> String {
    let names: Vec<String> =
        columns.iter().take(NAMED).map(|name| format!("\"{}\"", name.as_str())).collect();
    let names = names.join(", ");
    match columns.len() {
        1 => format!("column {names} is {}", why.text()),
        2..=NAMED => format!("columns {names} are {}", why.text()),
        all => format!("columns {names} and {} more are {}", all - NAMED, why.text()),
    }
}

fn no_effect(column: &Column) -> String {
    format!(
        "column \"{}\" is {} on the target: the form that \"timestamps\" gives it has no effect",
        column.name.as_str(),
        column.type_text
    )
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
