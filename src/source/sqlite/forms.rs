//! How the values of each column become those of the target: by the type that it has there.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::observe::{self, Looked, SeenColumn};
use super::settle::Settled;
use super::snapshot::Lease;
use super::values::{
    Form, GeometryLimits, Observed, Srids, TargetType, TimestampForm, Zone, created_type,
};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::source::TargetView;
use crate::table::{Column, Table, TypeKind};

/// Rows that are looked at to see how timestamps are most likely written.
const FIRST: u64 = 1000;

/// The forms of all columns of all tables, by the names that they have on the target.
#[derive(Clone, Debug, Default)]
pub struct Forms(Arc<HashMap<TableName, TableForms>>);

#[derive(Debug)]
struct TableForms {
    columns: HashMap<Ident, ColumnForm>,
    /// The columns of the file's primary key, where the target has no NULL in them.
    primary_key: Vec<Ident>,
    open: Vec<OpenColumn>,
    /// What the values told of the open ones, once somebody has looked.
    found: OnceCell<Result<HashMap<Ident, Form>>>,
}

#[derive(Clone, Debug)]
struct ColumnForm {
    form: Form,
    /// The type on the target, in words.
    type_text: String,
    declared: Option<DeclaredForm>,
}

/// How values would be read if the target's column had the type that the file declares, which is another one.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredForm {
    pub form: Form,
    pub type_text: String,
}

/// A column of timestamps whose values have to tell its form, when its table is read.
#[derive(Debug)]
struct OpenColumn {
    column: Column,
    /// What the target calls it.
    name: Ident,
}

/// The forms that the first rows of a table show of its open columns. They are those of all rows where all can be
/// read in them.
#[derive(Clone, Debug)]
pub struct LikelyForms(HashMap<Ident, Form>);

impl LikelyForms {
    /// Of one column, if it is open.
    pub fn of(&self, column: &Ident) -> Option<&Form> {
        self.0.get(column)
    }

    /// The columns.
    pub fn columns(&self) -> impl Iterator<Item = &Ident> {
        self.0.keys()
    }
}

impl Forms {
    /// Of tables whose columns have the types of the target. `srids` are a GeoPackage's.
    pub fn of(
        tables: &[Table],
        target: &TargetView<'_>,
        settled: &Settled,
        srids: Option<&Arc<Srids>>,
    ) -> Self {
        let named = target.column;
        let forms = |table: &Table| {
            let is_open = |column: &&Column| {
                settled.open.contains(&(table.name.clone(), column.name.clone()))
            };
            let primary = table.keys.iter().filter(|key| key.primary);
            let primary = primary.filter(|_| settled.keyed.contains(&table.name));
            let open = table.columns.iter().filter(is_open).map(|column| OpenColumn {
                column: column.clone(),
                name: named(&table.name, &column.name),
            });
            let form = |column: &Column| {
                let name = (table.name.clone(), column.name.clone());
                let found = settled.forms.get(&name);
                let form = ColumnForm::of(column, found.copied(), srids).on(target.version);
                let declared = settled.declared.get(&name).and_then(|it| DeclaredForm::of(it));
                let declared = declared.filter(|form| form.takes_place_of(column));
                (named(&table.name, &column.name), ColumnForm { declared, ..form })
            };
            TableForms {
                columns: table.columns.iter().map(form).collect(),
                primary_key: primary
                    .flat_map(|key| &key.columns)
                    .map(|column| named(&table.name, &column.name))
                    .collect(),
                open: open.collect(),
                found: OnceCell::new(),
            }
        };
        Self(Arc::new(tables.iter().map(|table| (table.name.clone(), forms(table))).collect()))
    }

    /// The columns of a table's primary key in the file, where the target has no NULL in them; else none.
    pub fn primary_key(&self, table: &TableName) -> &[Ident] {
        self.0.get(table).map_or(&[], |forms| &forms.primary_key)
    }

    /// Looks at the values of a table's open columns, unless somebody has.
    ///
    /// # Errors
    /// The file's, and a column that has several forms.
    pub async fn look(&self, table: &TableName, lease: &Lease) -> Result<()> {
        match self.0.get(table).filter(|forms| !forms.open.is_empty()) {
            Some(forms) => forms.look(table, lease).await,
            None => Ok(()),
        }
    }

    /// Whether the form of a column is still to be found, going by the name that it has on the target.
    pub fn is_open(&self, table: &TableName, column: &Ident) -> bool {
        let open = self.0.get(table).map(|forms| &forms.open);
        open.is_some_and(|open| open.iter().any(|open| &open.name == column))
    }

    /// Looks at the first values of a table's open columns, unless somebody has looked at all; nothing where they do
    /// not show a form.
    ///
    /// # Errors
    /// The file's.
    pub async fn likely(&self, table: &TableName, lease: &Lease) -> Result<Option<LikelyForms>> {
        match self.0.get(table).filter(|forms| !forms.open.is_empty()) {
            Some(forms) if !forms.found.initialized() => forms.likely(table, lease).await,
            _ => Ok(None),
        }
    }

    /// Takes forms for those of all rows: all of them were read.
    pub fn confirm(&self, table: &TableName, likely: LikelyForms) {
        if let Some(forms) = self.0.get(table) {
            // Somebody else may have found the same.
            let _ = forms.found.set(Ok(likely.0));
        }
    }

    /// The form that one column would have with the type that the file declares, where the target's is another one.
    pub fn declared(&self, table: &TableName, column: &Ident) -> Option<&DeclaredForm> {
        self.0.get(table)?.columns.get(column)?.declared.as_ref()
    }

    /// The form of one column, once its table was looked at.
    ///
    /// # Errors
    /// [`Error::Blocked`], where the target would print a value otherwise than it was sent.
    pub fn form(&self, table: &TableName, column: &Ident) -> Result<&Form> {
        let forms = self.0.get(table);
        let ColumnForm { form, type_text, .. } =
            forms.and_then(|forms| forms.columns.get(column)).ok_or_else(|| {
                Error::Internal(format!("the form of column \"{}\" is not known", column.as_str()))
            })?;
        if let Some(Ok(found)) = forms.and_then(|forms| forms.found.get())
            && let Some(form) = found.get(column)
        {
            return Ok(form);
        }
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

impl TableForms {
    async fn look(&self, table: &TableName, lease: &Lease) -> Result<()> {
        let found = self.found.get_or_try_init(async || {
            Ok(self.judged(&self.observed(table, lease, Looked::All).await?))
        });
        found.await?.as_ref().map(drop).map_err(Error::clone)
    }

    async fn likely(&self, table: &TableName, lease: &Lease) -> Result<Option<LikelyForms>> {
        let observed = self.observed(table, lease, Looked::First(FIRST)).await?;
        let likely = self.open.iter().zip(&observed).map(|(open, seen)| {
            // Where nothing tells, a value that will has this form, or all is looked at.
            let nothing = TimestampForm::Text(Zone::None);
            let form = seen.timestamps().judge().ok()?.unwrap_or(nothing);
            let form = Some(form).filter(|form| form.refuses_all_others());
            Some((open.name.clone(), ColumnForm::of(&open.column, Some(form?), None).form))
        });
        Ok(likely.collect::<Option<_>>().map(LikelyForms))
    }

    async fn observed(
        &self,
        table: &TableName,
        lease: &Lease,
        looked: Looked,
    ) -> Result<Vec<Observed>> {
        let (table, names) = (table.name.clone(), self.open.iter());
        let columns = names.map(|open| SeenColumn {
            name: open.column.name.clone(),
            observed: Observed::default(),
        });
        let columns: Vec<SeenColumn> = columns.collect();
        let observed = lease.ask(move |connection, wanted| {
            observe::columns(connection, wanted, &table, columns, looked)
        });
        observed.await
    }

    fn judged(&self, observed: &[Observed]) -> Result<HashMap<Ident, Form>> {
        let mut found = HashMap::new();
        for (open, seen) in self.open.iter().zip(observed) {
            let form = seen.timestamps().judge().map_err(|mixed| {
                Error::Blocked(format!("column \"{}\" {mixed}", open.column.name.as_str()))
            })?;
            found.insert(open.name.clone(), ColumnForm::of(&open.column, form, None).form);
        }
        Ok(found)
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
        let own = base.parts.iter().find(|part| part.oid == base.type_oid);
        let labels = own.filter(|own| own.kind == TypeKind::Enum).map(|own| &own.labels);
        let form = match (srids.filter(|_| is_geometry), labels) {
            (Some(srids), _) => Form::Geometry {
                srids: srids.clone(),
                limits: GeometryLimits::of_modifier(base.type_modifier),
            },
            (None, Some(labels)) => Form::Enum(labels.as_slice().into()),
            (None, None) => Form::of(target, timestamps),
        };
        Self { form, type_text: column.type_text.clone(), declared: None }
    }

    fn on(self, version: u32) -> Self {
        Self { form: self.form.on(version), ..self }
    }
}

impl DeclaredForm {
    /// None of moments: of those the values tell the type.
    fn of(declared: &str) -> Option<Self> {
        let created = created_type(declared, &Observed::default()).ok()?;
        let target =
            TargetType { schema: "pg_catalog", name: created.name, modifier: created.modifier };
        let form = Form::of(target, None);
        let is_moment = matches!(
            form,
            Form::Date(_) | Form::Time { .. } | Form::Timestamp { .. } | Form::Timestamptz { .. }
        );
        (!is_moment).then_some(Self { form, type_text: created.text })
    }

    /// Whether the server turns all values of a column into this type without being told how.
    fn takes_place_of(&self, column: &Column) -> bool {
        let is_number = |names: &[&str]| names.contains(&column.type_name.as_str());
        column.is_built_in()
            && self.type_text != column.type_text
            && match self.form {
                Form::Text { longest: None } => true,
                Form::Integer(_) => is_number(&["int2", "int4"]),
                Form::Float8 => is_number(&["int2", "int4", "int8", "float4", "numeric"]),
                Form::Numeric { limits: None, .. } => {
                    is_number(&["int2", "int4", "int8", "float4", "float8", "numeric"])
                }
                _ => false,
            }
    }
}
