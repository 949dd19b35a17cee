//! Who keeps others from a table, and what ends that: one wording for a definition that cannot be read, a row that
//! cannot be written and a change that has to wait.

use serde::Deserialize;

use super::catalog::objects;
use super::session::Session;
use crate::error::{Result, Side};
use crate::ident::TableName;
use crate::sql::{Literal, Sql, sql};

/// What is known of somebody who has a lock, as an object of JSON: of `l`, `a` and `p` below.
const FIELDS: &str = include_str!("lock_holder_fields.sql");

/// A session or a prepared transaction that has a lock of a table, or waits for one.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct LockHolder {
    /// None of a prepared transaction.
    pub pid: Option<u32>,
    /// The name of a prepared transaction.
    pub gid: Option<String>,
    pub role: Option<String>,
    pub application: Option<String>,
    /// When its transaction began, as `2024-12-13 15:25:30 UTC`, where the role may see that.
    pub since: Option<String>,
    /// Since when it does nothing within its transaction.
    pub idle_since: Option<String>,
    /// Whether it has the lock, and does not wait for it.
    pub granted: bool,
}

impl LockHolder {
    /// Who it is, that he has a lock of the table, and what ends that.
    pub fn told(&self, side: Side, table: &TableName) -> String {
        let end = self.end().map(|end| {
            format!("; to end it, run on the {side} as that role or a superuser: {}", end.as_str())
        });
        format!(
            "{}: run pgsync again when that transaction has ended{}",
            self.has(table),
            end.unwrap_or_default()
        )
    }

    /// Who it is, and that he has a lock of the table.
    pub fn has(&self, table: &TableName) -> String {
        let verb = if self.granted { "holds a lock on" } else { "waits for a lock on" };
        format!("{} {verb} {table}", self.name())
    }

    /// `process 13013 of role app (DBeaver), idle in transaction since 2024-12-13 15:25:30 UTC,`
    fn name(&self) -> String {
        let mut name = match (self.pid, &self.gid) {
            (Some(pid), _) => format!("process {pid}"),
            (None, Some(gid)) => format!("the prepared transaction {gid}"),
            (None, None) => "a prepared transaction".to_owned(),
        };
        name += &self.role.iter().map(|role| format!(" of role {role}")).collect::<String>();
        name += &self.application.iter().map(|one| format!(" ({one})")).collect::<String>();
        match (&self.idle_since, &self.since) {
            (Some(since), _) => name += &format!(", idle in transaction since {since},"),
            (None, Some(since)) if self.pid.is_none() => name += &format!(", of {since},"),
            (None, Some(since)) => name += &format!(", in a transaction since {since},"),
            (None, None) => {}
        }
        name
    }

    /// The statement that ends it.
    fn end(&self) -> Option<Sql> {
        match (self.pid, &self.gid) {
            (Some(pid), _) => Some(sql!("select pg_terminate_backend({pid})", pid = pid)),
            (None, Some(gid)) => Some(sql!("rollback prepared {gid}", gid = Literal(gid))),
            (None, None) => None,
        }
    }
}

/// Who holds a lock of this table for longest; none where nobody does any more.
pub async fn find(session: &Session, table: &TableName) -> Result<Option<LockHolder>> {
    let name = table.quoted();
    let holes: &[(&str, &Sql)] =
        &[("table", &sql!("{name}", name = Literal(&name))), ("fields", &fields())];
    let statement = Sql::filled(include_str!("lock_holder.sql"), holes);
    Ok(objects(session, "looking for who holds a lock", &statement).await?.pop())
}

/// See the file.
pub(super) fn fields() -> Sql {
    Sql::trusted(FIELDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: LockHolder = LockHolder {
        pid: None,
        gid: None,
        role: None,
        application: None,
        since: None,
        idle_since: None,
        granted: true,
    };

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn who_holds_a_lock_is_told_with_the_statement_that_ends_him() {
        let idle = LockHolder {
            pid: Some(13013),
            role: text("stag_owner"),
            application: text("DBeaver"),
            since: text("2026-11-30 02:11:00 UTC"),
            idle_since: text("2026-11-30 02:12:00 UTC"),
            ..NOBODY
        };
        let working = LockHolder { idle_since: None, application: None, ..idle.clone() };
        // Another role's: no more is seen of it.
        let hidden = LockHolder { since: None, granted: false, ..working.clone() };
        let prepared =
            LockHolder { gid: text("it's"), since: text("2026-11-30 02:11:00 UTC"), ..NOBODY };
        let cases = [
            (
                idle,
                "process 13013 of role stag_owner (DBeaver), idle in transaction since 2026-11-30 02:12:00 UTC, holds a \
                 lock on shop.orders: run pgsync again when that transaction has ended; to end it, run on the target as \
                 that role or a superuser: select pg_terminate_backend(13013)",
            ),
            (
                working,
                "process 13013 of role stag_owner, in a transaction since 2026-11-30 02:11:00 UTC, holds a lock on \
                 shop.orders: run pgsync again when that transaction has ended; to end it, run on the target as that role \
                 or a superuser: select pg_terminate_backend(13013)",
            ),
            (
                hidden,
                "process 13013 of role stag_owner waits for a lock on shop.orders: run pgsync again when that transaction \
                 has ended; to end it, run on the target as that role or a superuser: select pg_terminate_backend(13013)",
            ),
            (
                prepared,
                "the prepared transaction it's, of 2026-11-30 02:11:00 UTC, holds a lock on shop.orders: run pgsync again \
                 when that transaction has ended; to end it, run on the target as that role or a superuser: rollback \
                 prepared 'it''s'",
            ),
        ];
        for (holder, told) in cases {
            assert_eq!(holder.told(Side::Target, &TableName::new("shop", "orders")), told);
        }
    }
}
