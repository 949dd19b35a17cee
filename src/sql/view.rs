//! A table of the source as its rules show it: some of its rows, and of its columns what may travel. It
//! stands wherever the table would stand, so that what is read, counted and digested is the same. The
//! planner takes it apart: indexes of the table serve as before.

use super::user_expression::{PinnedExpression, UserExpression};
use crate::ident::{Ident, TableName};
use crate::sql::mapping::Relation;
use crate::sql::mask::SAMPLED;
use crate::sql::{Literal, Sql, sql};
use crate::table::Column;

/// What is shown of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    pub columns: Vec<ViewColumn>,
    /// The rows that are shown; all, where there is none.
    pub filter: Option<PinnedExpression>,
}

/// One column that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewColumn {
    /// Its name from here on.
    pub name: Ident,
    /// Its name in the table.
    pub own: Ident,
    /// What is shown in place of its values.
    pub mask: Option<Sql>,
}

/// A column of the target that a run would give a type that holds more, or would add.
#[derive(Clone, Debug, PartialEq)]
pub struct GrownColumn {
    pub name: Ident,
    /// The built-in type, without limits, in which a dry run has its values.
    pub as_type: Ident,
    /// What rows would have in it, if it is not there.
    pub added: Option<AddedValue>,
}

/// What all rows have in a column that was just added.
#[derive(Clone, Debug, PartialEq)]
pub enum AddedValue {
    Null,
    /// As text.
    Constant(String),
}

impl Relation {
    /// For a dry run: the table as it would be once columns have grown or were added, and partitions are detached.
    pub fn as_a_run_leaves_it(
        self,
        columns: &[Column],
        grown: &[GrownColumn],
        detaching: &[TableName],
    ) -> Self {
        if grown.is_empty() && detaching.is_empty() {
            return self;
        }
        let table = &self.name;
        let shown = |column: &Column| {
            let known = grown.iter().find(|grown| grown.name == column.name);
            let to = known.map(|grown| sql!("::pg_catalog.{to}", to = grown.as_type));
            let value = match known.and_then(|grown| grown.added.as_ref()) {
                Some(AddedValue::Null) => Sql::trusted("null"),
                Some(AddedValue::Constant(text)) => sql!("{text}", text = Literal(text)),
                None => sql!("{table}.{name}", table = table, name = column.name),
            };
            let to = to.unwrap_or(Sql::trusted(""));
            sql!("{value}{to} as {name}", value = value, to = to, name = column.name)
        };
        // A row without a key is told by where it lies.
        let place = sql!("{table}.ctid, {table}.tableoid", table = table);
        let columns = columns.iter().map(shown).chain([place]);
        let only = Sql::trusted(if self.partitioned { "" } else { "only " });
        let columns = Sql::join(columns, ", ");
        let view = sql!(
            "(select {columns} from {only}{table}{rest})",
            columns = columns,
            only = only,
            table = table,
            rest = outside(table, detaching)
        );
        Self { view: Some(view), ..self }
    }

    /// Has the server read a filter, and evaluate it for no row. The table is called by its own name.
    pub fn trial_of_filter(&self, filter: &PinnedExpression) -> Sql {
        sql!("select from {table} where {filter} limit 0", table = self.name, filter = filter)
    }

    /// The same for a person.
    pub fn look_at_filter(&self, filter: &UserExpression) -> String {
        format!("select from {} where ({}) limit 0", self.name.typed(), filter.text())
    }
}

/// The condition on rows of a table that they lie in none of these partitions.
fn outside(table: &TableName, partitions: &[TableName]) -> Sql {
    if partitions.is_empty() {
        return Sql::trusted("");
    }
    let names: Vec<String> = partitions.iter().map(TableName::quoted).collect();
    let oid = |name: &String| sql!("{n}::pg_catalog.regclass::pg_catalog.oid", n = Literal(name));
    sql!(
        " where {table}.tableoid operator(pg_catalog.<>) all (array(with recursive tree(oid) as (\
         select pg_catalog.unnest(array[{partitions}]) union all select i.inhrelid from tree t \
         join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) t.oid) select t.oid from tree t))",
        table = table,
        partitions = Sql::join(names.iter().map(oid), ", ")
    )
}

impl View {
    /// Some rows of the view, under the table's own name.
    pub fn sample_of(&self, table: &TableName, with_partitions: bool) -> Sql {
        sql!(
            "(select * from {view} m limit {sampled}) {name}",
            view = self.of(table, with_partitions),
            sampled = SAMPLED,
            name = table.name
        )
    }

    /// The view of a table, in parentheses. Within it the table is called by its own name.
    pub fn of(&self, table: &TableName, with_partitions: bool) -> Sql {
        let columns = self.columns.iter().map(|column| {
            let value = match &column.mask {
                Some(mask) => mask.clone(),
                None => sql!("{table}.{own}", table = table.name, own = column.own),
            };
            if column.mask.is_none() && column.own == column.name {
                value
            } else {
                sql!("{value} as {name}", value = value, name = column.name)
            }
        });
        // Slices of pages are told by where rows lie.
        let place = sql!("{table}.ctid", table = table.name);
        let only = Sql::trusted(if with_partitions { "" } else { "only " });
        sql!(
            "(select {columns} from {only}{table}{filter})",
            columns = Sql::join(columns.chain([place]), ", "),
            only = only,
            table = table,
            filter = self.condition(),
        )
    }

    /// The condition on rows, behind the table.
    pub(super) fn condition(&self) -> Sql {
        match &self.filter {
            Some(filter) => sql!(" where {filter}", filter = filter),
            None => Sql::trusted(""),
        }
    }
}
