//! How the values of each column become those of the target: by the type that it has there.

use std::collections::HashMap;
use std::sync::Arc;

use super::settle::TimestampForms;
use super::values::{Form, Srids, TargetType, TimestampForm};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::table::{Column, Table};

/// The forms of all columns of all tables, by the names that they have on the target.
#[derive(Clone, Debug, Default)]
pub struct Forms(Arc<HashMap<TableName, HashMap<Ident, ColumnForm>>>);

#[derive(Clone, Debug)]
struct ColumnForm {
    form: Form,
    /// The type on the target, in words.
    type_text: String,
}

impl Forms {
    /// Of tables whose columns have the types of the target; `named` says what it calls a column. `srids` are a
    /// GeoPackage's.
    pub fn of(
        tables: &[Table],
        named: &dyn Fn(&TableName, &Ident) -> Ident,
        timestamps: &TimestampForms,
        srids: Option<&Arc<Srids>>,
    ) -> Self {
        let forms = |table: &Table| {
            let form = |column: &Column| {
                let found = timestamps.get(&(table.name.clone(), column.name.clone()));
                let form = ColumnForm::of(column, found.copied(), srids);
                (named(&table.name, &column.name), form)
            };
            table.columns.iter().map(form).collect()
        };
        Self(Arc::new(tables.iter().map(|table| (table.name.clone(), forms(table))).collect()))
    }

    /// The form of one column.
    ///
    /// # Errors
    /// [`Error::Blocked`], where the target would print a value otherwise than it was sent.
    pub fn form(&self, table: &TableName, column: &Ident) -> Result<&Form> {
        let found = self.0.get(table).and_then(|columns| columns.get(column));
        let ColumnForm { form, type_text } = found.ok_or_else(|| {
            Error::Internal(format!("the form of column \"{}\" is not known", column.as_str()))
        })?;
        if form.is_canonical() {
            return Ok(form);
        }
        Err(Error::Blocked(format!(
            "column \"{}\" is {type_text} on the target, and a SQLite source cannot compare values of that \
             type yet: leave the column out, or make it text there",
            column.as_str()
        )))
    }
}

impl ColumnForm {
    fn of(column: &Column, timestamps: Option<TimestampForm>, srids: Option<&Arc<Srids>>) -> Self {
        let base = column.under_domains();
        let target = TargetType {
            schema: base.type_schema.as_str(),
            name: base.type_name.as_str(),
            modifier: base.type_modifier,
        };
        // PostGIS may be in any schema.
        let is_geometry = !base.is_built_in() && target.name == "geometry";
        let form = match srids.filter(|_| is_geometry) {
            Some(srids) => Form::Geometry(srids.clone()),
            None => Form::of(target, timestamps),
        };
        Self { form, type_text: column.type_text.clone() }
    }
}
