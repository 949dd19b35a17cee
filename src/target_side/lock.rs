//! Advisory locks on the target. A run holds one for each of its tables on the session that lives as
//! long as it. Transactions that change what a table is made of hold another one for themselves: they
//! can outlive a killed run on the server, and the next run has to see what they did.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::Target;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::sql::{Literal, Sql, sql};

/// Who holds a lock that a run needs.
#[derive(Debug)]
pub struct Holder {
    pub table: TableName,
    pub description: String,
}

/// What a lock stands for.
#[derive(Clone, Copy)]
enum Sort {
    Run,
    Definition,
}

impl Target {
    /// Takes the lock of every table, or says who holds the first that is taken. Returns when nobody
    /// is changing the tables any more.
    pub async fn lock(&self, tables: &[&TableName]) -> Result<Option<Holder>> {
        if tables.is_empty() {
            return Ok(None);
        }
        let statement = sql!(
            "select w.n, w.key, pg_catalog.pg_try_advisory_lock(w.key) from {keys} order by w.n; \
             select pg_catalog.pg_try_advisory_xact_lock(w.key) from {changes}",
            keys = keys(Sort::Run, tables),
            changes = keys(Sort::Definition, tables),
        );
        self.has_locks.store(true, Ordering::Relaxed);
        let answers = self.on_control_session("taking the tables' locks", &statement).await?;
        let (mut taken, mut busy) = (None, false);
        if let [own, others] = answers.as_slice() {
            taken = own.iter().find(|row| !row.is_true(2));
            busy = others.iter().any(|row| !row.is_true(0));
        }
        if let Some(row) = taken {
            let number = usize::try_from(row.count(0)?).unwrap_or(1) - 1;
            let description = self.holder(row.needed(1)?).await?;
            return Ok(Some(Holder { table: tables[number].clone(), description }));
        }
        if busy {
            let wait = sql!(
                "select pg_catalog.pg_advisory_xact_lock(w.key) from {changes}",
                changes = keys(Sort::Definition, tables),
            );
            self.on_control_session("waiting for what a run left behind", &wait).await?;
        }
        Ok(None)
    }

    /// Those of the tables that a run is at work on.
    pub async fn tables_at_work(&self, tables: &[&TableName]) -> Result<HashSet<TableName>> {
        if tables.is_empty() {
            return Ok(HashSet::new());
        }
        let statement = sql!(
            "select w.n from {keys} where exists (select from pg_catalog.pg_locks l \
             where l.locktype operator(pg_catalog.=) 'advisory' and l.granted and l.objsubid operator(pg_catalog.=) 1 \
             and l.database operator(pg_catalog.=) (select d.oid from pg_catalog.pg_database d \
             where d.datname operator(pg_catalog.=) pg_catalog.current_database()) \
             and ((l.classid::pg_catalog.int8 operator(pg_catalog.<<) 32) operator(pg_catalog.|) \
             l.objid::pg_catalog.int8) operator(pg_catalog.=) w.key)",
            keys = keys(Sort::Run, tables),
        );
        let rows =
            self.on_control_session("looking which runs are at work", &statement).await?.pop();
        let numbers = rows
            .unwrap_or_default()
            .iter()
            .map(|row| row.count(0))
            .collect::<Result<Vec<u64>>>()?;
        let table =
            |n: u64| tables.get(usize::try_from(n).ok()?.checked_sub(1)?).map(|t| (*t).clone());
        Ok(numbers.into_iter().filter_map(table).collect())
    }

    /// Takes the lock of a schema in which tables are built; whether nobody else has it. It is kept.
    pub async fn lock_shadow_schema(&self, schema: &Ident) -> Result<bool> {
        let name = TableName { schema: schema.clone(), name: Ident::default() };
        let statement = sql!(
            "select pg_catalog.pg_try_advisory_lock(w.key) from {keys}",
            keys = keys(Sort::Run, &[&name])
        );
        let rows = self.on_control_session("taking a schema's lock", &statement).await?;
        Ok(rows.iter().flatten().all(|row| row.is_true(0)))
    }

    /// Takes a lock that nobody else knows of, and gives its key: who sees it is in the same database.
    pub async fn lock_secret(&self) -> Result<String> {
        let statement = sql!(
            "select k.key, pg_catalog.pg_try_advisory_lock(k.key) from (select \
             (pg_catalog.random() operator(pg_catalog.*) 9e18)::pg_catalog.int8 as key offset 0) k"
        );
        let rows = self.on_control_session("taking a lock", &statement).await?;
        let row = rows.iter().flatten().next();
        let row = row.ok_or_else(|| Error::Internal("no answer about a lock".to_owned()))?;
        row.needed(0).map(str::to_owned)
    }

    /// Lets go of the lock with this key.
    pub async fn unlock_secret(&self, key: &str) -> Result<()> {
        let statement = sql!(
            "select pg_catalog.pg_advisory_unlock({key}::pg_catalog.int8)",
            key = Literal(key)
        );
        self.on_control_session("letting a lock go", &statement).await.map(drop)
    }

    async fn holder(&self, key: &str) -> Result<String> {
        let statement = sql!(
            "select pg_catalog.format('server process %s on the target, role %s, connected from %s since %s', a.pid, \
             coalesce(a.usename, 'another role'), case when a.state is null then 'an address that this role may not see' \
             else coalesce(pg_catalog.host(a.client_addr), 'a local socket') end, \
             coalesce(pg_catalog.to_char(a.backend_start, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'an unknown time')) \
             from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid operator(pg_catalog.=) l.pid \
             join pg_catalog.pg_database d on d.oid operator(pg_catalog.=) l.database \
             and d.datname operator(pg_catalog.=) pg_catalog.current_database() \
             where l.locktype operator(pg_catalog.=) 'advisory' and l.granted and l.objsubid operator(pg_catalog.=) 1 \
             and ((l.classid::pg_catalog.int8 operator(pg_catalog.<<) 32) operator(pg_catalog.|) \
             l.objid::pg_catalog.int8) operator(pg_catalog.=) {key}::pg_catalog.int8",
            key = Literal(key),
        );
        let rows =
            self.on_control_session("looking for the holder of a lock", &statement).await?.pop();
        let rows = rows.unwrap_or_default();
        let text = rows.first().and_then(|row| row.text(0));
        Ok(text.unwrap_or("a session that has just ended").to_owned())
    }
}

/// Says, for the length of a transaction, that it changes what these tables are made of.
pub(super) fn changing(tables: &[&TableName]) -> Sql {
    sql!(
        "select pg_catalog.pg_advisory_xact_lock_shared(w.key) from {keys}",
        keys = keys(Sort::Definition, tables)
    )
}

/// `w`: the number of each table, from 1, and its key.
fn keys(sort: Sort, tables: &[&TableName]) -> Sql {
    let word = match sort {
        Sort::Run => "pgsync",
        Sort::Definition => "pgsync definition",
    };
    let texts: Vec<String> =
        tables.iter().map(|table| format!("{word} {}", table.quoted())).collect();
    sql!(
        "(select u.n, ('x' operator(pg_catalog.||) pg_catalog.substr(pg_catalog.md5(u.name), 1, 16))\
         ::pg_catalog.bit(64)::pg_catalog.int8 as key \
         from pg_catalog.unnest(array[{values}]::pg_catalog.text[]) with ordinality as u(name, n)) w",
        values = Sql::join(texts.iter().map(|text| Literal(text)), ", "),
    )
}
