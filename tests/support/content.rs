//! Whether two tables hold the same rows, found out by plain SQL and without a word from the code
//! under test: every column as text, with multiplicity.

use std::collections::BTreeMap;

use super::session::Session;

/// Lines of difference that are worth printing.
const SHOWN: usize = 20;

/// Settings that text output depends on, for one statement: the test's session keeps its own.
const PIN: &str = "begin; set local timezone = 'UTC'; set local datestyle = 'ISO, MDY';
    set local intervalstyle = 'postgres'; set local extra_float_digits = 3;
    set local bytea_output = 'hex'; set local client_encoding = 'UTF8'";

/// The columns of $table. What holds floating point numbers goes by its bytes: their text differs
/// between servers before and after PostgreSQL 12.
const COLUMNS: &str = "
    with recursive inside(start, oid) as (
        select oid, oid from pg_type
        union
        select i.start, p.oid from inside i join pg_type t on t.oid = i.oid
        cross join lateral (
            select t.typelem union all select t.typbasetype
            union all select rngsubtype from pg_range where rngtypid = t.oid
            union all select atttypid from pg_attribute where attrelid = t.typrelid and attnum > 0) p(oid)
    ), floating as (
        select distinct start as oid from inside
        where oid = any (array['float4', 'float8', 'path', 'polygon', 'circle']::regtype[]::oid[])
    )
    select string_agg(case when f.oid is null then quote_ident(attname)
        else format('%s(%I)', typsend, attname) end, ', ' order by attnum)
    from pg_attribute a join pg_type t on t.oid = a.atttypid left join floating f on f.oid = t.oid
    where attrelid = '$table'::regclass and attnum > 0 and not attisdropped
        and attname <> all (array[$without]::name[])";

/// All tables that a run may be asked to copy, as SQL names; partitions through their parents.
pub async fn tables(side: &Session) -> Vec<String> {
    side.column(
        "select format('%I.%I', n.nspname, c.relname)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relname <> 'sync_log'
           and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                           and d.objid = c.oid and d.deptype = 'e')
         order by 1",
    )
    .await
}

pub async fn compare(source: &Session, target: &Session, table: &str) -> Result<(), String> {
    compare_shown(source, target, table, &Shown { without: &[], filter: "true" }).await
}

/// What of a table is compared.
pub struct Shown<'a> {
    /// Columns that are not.
    pub without: &'a [String],
    /// Which rows of the source.
    pub filter: &'a str,
}

pub async fn compare_shown(
    source: &Session,
    target: &Session,
    table: &str,
    shown: &Shown<'_>,
) -> Result<(), String> {
    let columns = columns(source, table, shown.without).await;
    let here = select(source, table, &columns).await;
    let here = format!("{here} where {}", shown.filter);
    let there = select(target, table, &columns).await;
    let (left, right) = (digest(source, &here).await, digest(target, &there).await);
    if left == right {
        return Ok(());
    }
    let (left, right) = (rows(source, &here).await, rows(target, &there).await);
    Err(describe(table, &left, &right))
}

/// What is compared: the source's columns.
async fn columns(source: &Session, table: &str, without: &[String]) -> String {
    let names = without.iter().map(|name| format!("'{}'", name.replace('\'', "''")));
    let names = names.collect::<Vec<_>>().join(", ");
    let statement = COLUMNS.replace("$table", &table.replace('\'', "''"));
    let columns = source.value(&statement.replace("$without", &names)).await;
    if columns == "null" { String::new() } else { columns }
}

/// Every row of the table as one text; either side may be partitioned.
async fn select(side: &Session, table: &str, columns: &str) -> String {
    let quoted = table.replace('\'', "''");
    let partitioned =
        format!("select relkind = 'p' from pg_class where oid = '{quoted}'::regclass");
    let only = if side.value(&partitioned).await == "t" { "" } else { "only " };
    format!("select row({columns})::text as line from {only}{table}")
}

/// A short text that equal contents share; the rows themselves stay on the server.
async fn digest(side: &Session, query: &str) -> String {
    side.value(&format!(
        "{PIN}; select count(*) || ' ' || coalesce(sum(('x' || left(md5(convert_to(line, 'UTF8')), 15))::bit(60)::bigint), 0)
         from ({query}) q; commit"
    ))
    .await
}

async fn rows(side: &Session, query: &str) -> Vec<String> {
    side.column(&format!("{PIN}; select line from ({query}) q order by line collate \"C\"; commit"))
        .await
}

/// `-` is only on the source, `+` only on the target.
fn describe(table: &str, source: &[String], target: &[String]) -> String {
    let mut surplus: BTreeMap<&str, i64> = BTreeMap::new();
    source.iter().for_each(|line| *surplus.entry(line).or_default() += 1);
    target.iter().for_each(|line| *surplus.entry(line).or_default() -= 1);
    let lines: Vec<String> = surplus
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(line, count)| match count {
            1.. => format!("  - {} ×{count}", short(line)),
            _ => format!("  + {} ×{}", short(line), -count),
        })
        .collect();
    let more = lines.len().saturating_sub(SHOWN);
    format!(
        "{table} differs: {} rows on the source (-), {} on the target (+)\n{}{}",
        source.len(),
        target.len(),
        lines[..lines.len().min(SHOWN)].join("\n"),
        if more > 0 { format!("\n  and {more} more") } else { String::new() }
    )
}

fn short(line: &str) -> String {
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_string(),
    }
}
