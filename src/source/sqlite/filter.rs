//! What SQLite has against a filter of rows.

use std::sync::mpsc;

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::failure;
use super::reader::Reader;
use crate::error::Result;
use crate::sql::dialect::Dialect;
use crate::sql::mapping::Relation;
use crate::sql::user_expression::UserExpression;
use crate::sql::{Sql, sql};

/// Functions of SQLite that are no function of their arguments.
const VOLATILE: &[&str] =
    &["random", "randomblob", "changes", "total_changes", "last_insert_rowid"];

impl Reader {
    /// What SQLite has against a filter of a table's rows.
    pub async fn refuses_filter(
        &self,
        relation: &Relation,
        filter: &UserExpression,
        moment: &str,
    ) -> Result<Option<String>> {
        let table = &relation.name.name;
        let filter = Dialect::Sqlite.filter(filter, moment);
        let statement =
            sql!("select 1 from {table} where {filter}", table = table, filter = filter);
        let told = |error: rusqlite::Error| failure::of("checking a filter", &error);
        let asked = self
            .lease()?
            .ask_alone(move |connection, _| refuses(connection, &statement).map_err(told));
        asked.await
    }
}

/// SQLite itself says which functions a statement calls: it knows all ways to write their names, and the views
/// that call them.
fn refuses(connection: &mut Connection, statement: &Sql) -> rusqlite::Result<Option<String>> {
    let (told, called) = mpsc::channel();
    let listen = move |context: AuthContext<'_>| {
        if let AuthAction::Function { function_name } = context.action {
            // As long as this listens, somebody asks.
            let _ = told.send(function_name.to_ascii_lowercase());
        }
        Authorization::Allow
    };
    connection.authorizer(Some(listen))?;
    let refused = connection.prepare(statement.as_str()).err();
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    let volatile = called.try_iter().find(|name: &String| VOLATILE.contains(&name.as_str()));
    let volatile =
        volatile.map(|name| format!("{name} may give something else each time that it is called"));
    Ok(volatile.or(refused.map(|error| error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Ident;

    fn refused(filter: &str) -> Option<String> {
        let mut connection = Connection::open_in_memory().expect("a database");
        let made = "create table t (n, random); create view drawn as select n from t where random() > 0; \
                    create view twice as select n from drawn";
        connection.execute_batch(made).expect("tables");
        let filter = UserExpression::parse(filter).expect("an expression");
        let filter = Dialect::Sqlite.filter(&filter, "2024-12-13 15:25:30.5");
        let table = Ident::new("t");
        let statement =
            sql!("select 1 from {table} where {filter}", table = table, filter = filter);
        refuses(&mut connection, &statement).expect("an answer")
    }

    #[test]
    fn a_volatile_function_is_seen_however_it_is_called() {
        for filter in [
            "n > random()",
            "n > RANDOM ()",
            "n > [random]()",
            "n > `Random`()",
            "n > \"RANDOM\"()",
            "n in (select n from drawn)",
            "exists (select 1 from twice where twice.n = t.n)",
        ] {
            let why = refused(filter);
            let told = "random may give something else each time that it is called";
            assert_eq!(why.as_deref(), Some(told), "{filter}");
        }
        assert!(refused("randomblob(2) is null").is_some_and(|why| why.starts_with("randomblob ")));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for filter in
            ["n = random", "n = 'random()'", "abs(n) > 1", "n in (select n from t)", "[random] = 1"]
        {
            assert_eq!(refused(filter), None, "{filter}");
        }
        assert!(refused("m = 1").is_some_and(|why| why.contains("no such column")));
    }
}
