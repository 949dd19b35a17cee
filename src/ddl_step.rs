//! One change of the target's definitions: what the comparison of both sides plans, and what is run before
//! and after the rows.

use crate::ident::{Ident, TableName};
use crate::schema_object::text::Name;
use crate::schema_object::{Kind, Object};
use crate::sql::statement::Statement;

/// One change, whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub kind: Kind,
    /// `index public.item_name_idx`, for people.
    pub title: String,
    /// The id of the table that is changed.
    pub table: Option<String>,
    /// What it is about: of what belongs to a table, that table.
    pub on: Option<Name>,
    pub statements: Vec<Statement>,
    /// The tables of the run that need it, by their names on the source.
    pub roots: Vec<TableName>,
    /// The table of the run that this makes, by its name on the source.
    pub makes: Option<TableName>,
    /// The id of what it makes, if that is all that it touches.
    pub creates: Option<String>,
    /// Whether older servers take it in no transaction.
    pub alone: bool,
    /// Whether it builds the index of which the next step makes a key.
    pub builds: bool,
    /// Whether it only looks at the rows of a foreign key that is there.
    pub is_validation: bool,
    /// Whether the table may do without.
    pub optional: bool,
    /// Whether what it makes belongs to no table: a type, a sequence that no column owns.
    pub shared: bool,
    /// Whether it can run functions of users: building an index computes constants.
    pub runs_code: bool,
    /// Whether a column takes values then that it does not take before.
    pub widens: bool,
    /// What its tables need that the target lacks and that pgsync does not make.
    pub unmade: Vec<UnmadeFunction>,
    /// How many other steps have to come before, one after the other.
    pub level: usize,
    /// The schemas that names without one lead to.
    pub path: Vec<Ident>,
}

/// A function that only the source has, and that pgsync does not make.
#[derive(Clone, Debug, PartialEq)]
pub struct UnmadeFunction {
    pub name: Ident,
    /// Why not: `in C`.
    pub what: String,
}

impl Step {
    /// What concerns some tables as a whole.
    pub fn of_tables(title: &str, statements: Vec<Statement>, roots: Vec<TableName>) -> Self {
        Self {
            kind: Kind::Table,
            title: title.to_owned(),
            table: None,
            on: None,
            statements,
            roots,
            makes: None,
            creates: None,
            alone: false,
            builds: false,
            is_validation: false,
            optional: false,
            shared: false,
            runs_code: false,
            widens: false,
            unmade: Vec::new(),
            level: 0,
            path: Vec::new(),
        }
    }

    /// Whether it makes a table that joins another one.
    pub fn joins_parent(&self) -> bool {
        self.kind == Kind::Table && self.table.is_some()
    }

    /// What concerns one object.
    pub fn about(object: &Object, statements: Vec<Statement>, roots: &[&TableName]) -> Self {
        let roots = roots.iter().map(|root| (*root).clone()).collect();
        Self {
            kind: object.kind,
            table: object.table.clone(),
            on: Some(object.table_name().clone()),
            runs_code: object.runs_code(),
            ..Self::of_tables(&object.title(), statements, roots)
        }
    }
}
