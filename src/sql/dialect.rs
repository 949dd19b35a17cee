//! How a kind of source writes what rules make of a table: the moments in a filter, and the view that stands
//! in place of the table.

use super::user_expression::{PinnedExpression, UserExpression};
use super::view::View;
use crate::ident::TableName;
use crate::sql::{Literal, Sql, sql};

/// One kind of source's SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// A filter as it is at a moment (UTC, `2024-12-13 15:25:30.5`).
    pub fn filter(self, filter: &UserExpression, moment: &str) -> PinnedExpression {
        match self {
            Self::Postgres => filter.at(moment),
            Self::Sqlite => filter.pinned(|clock| sqlite_moment(clock.kind, moment)),
        }
    }

    /// The view of a table, in parentheses.
    pub fn view(self, view: &View, table: &TableName, with_partitions: bool) -> Sql {
        match self {
            Self::Postgres => view.of(table, with_partitions),
            Self::Sqlite => sqlite_view(view, table),
        }
    }
}

/// Moments are texts there, and SQLite's `current_timestamp` has no fraction.
fn sqlite_moment(kind: &str, moment: &str) -> Sql {
    let whole = moment.split('.').next().unwrap_or_default();
    let (day, time) = whole.split_once(' ').unwrap_or((whole, ""));
    let text = match kind {
        "date" => day,
        "time" | "timetz" => time,
        _ => whole,
    };
    sql!("{text}", text = Literal(text))
}

/// A file has no schemas and no partitions, and its rows have no place.
fn sqlite_view(view: &View, table: &TableName) -> Sql {
    let columns = view.columns.iter();
    let columns =
        columns.map(|column| sql!("{own} as {name}", own = column.own, name = column.name));
    sql!(
        "(select {columns} from {table}{filter})",
        columns = Sql::join(columns, ", "),
        table = table.name,
        filter = view.condition(),
    )
}
