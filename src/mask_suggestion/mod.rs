//! `pgsync mask suggest`: which columns of the source look personal, by their names and by what a sample of their
//! values looks like. The values are judged on the server: only counts travel.

mod dictionary;
mod judge;
mod printed;

use crate::config::Settings;
use crate::error::{DbError, Error, Result, Side};
use crate::ident::Ident;
use crate::pg::{self, Pool, Session, catalog, rights};
use crate::plan::shown::travelling;
use crate::rules::Rules;
use crate::select;
use crate::sql::Sql;
use crate::sql::samples::{self, Look};
use crate::table::{ForeignKey, Table};
use judge::{Judged, judge};

/// What was found in one table.
pub(crate) struct JudgedTable<'a> {
    table: &'a Table,
    columns: Vec<Judged<'a>>,
}

/// What a look at the source suggests.
pub struct Suggestion {
    /// A config file with a mask for each column that looks personal, and why; none where no table could be looked at.
    pub config: Option<String>,
    /// The tables that could not be looked at, and why.
    pub passed_over: Vec<String>,
}

/// Looks at a sample of each table.
///
/// # Errors
/// What concerns the source as a whole.
pub async fn suggest(settings: &Settings) -> Result<Suggestion> {
    let session = pg::Settings { lock_timeout: settings.lock_timeout, ..pg::Settings::default() };
    let pool = Pool::new(settings.source.postgres("mask suggest")?, Side::Source, 1, session)?;
    let session = pool.get().await?;
    session.run("beginning to read", &Sql::trusted(BEGIN)).await?;
    let server = catalog::server(&session).await?;
    let schemas = catalog::chosen_schemas(&session, &settings.schemas).await?;
    let tables = catalog::tables(&session, &schemas, server.user_types).await?;
    let keys = catalog::foreign_keys(&session, &schemas).await?.of_tables;
    let names: Vec<_> = tables.iter().map(|table| table.name.clone()).collect();
    if names.is_empty() {
        let others = catalog::filled_schemas(&session).await?;
        let text = select::no_table(&schemas, &others, &server.role.typed());
        return Err(Error::Config(vec![text]));
    }
    let selected = select::select(&names, None, &settings.include, &settings.exclude)?.tables;
    let (mut judged, mut passed_over) = (Vec::new(), Vec::new());
    let chosen = tables.into_iter().filter(|table| selected.contains(&table.name));
    let chosen: Vec<Table> =
        chosen.filter_map(|table| travelling_part(table, &settings.rules)).collect();
    for table in &chosen {
        session.run(LOOKING, &Sql::trusted("savepoint pgsync_look")).await?;
        match look_at(&session, table, &keys).await {
            Ok(found) => judged.push(found),
            Err(Error::Database(error)) if !error.is_transient() => {
                session.run(LOOKING, &Sql::trusted("rollback to savepoint pgsync_look")).await?;
                passed_over.push(told(&session, table, *error).await);
            }
            Err(error) => return Err(error),
        }
    }
    session.run("ending the reading", &Sql::trusted("rollback")).await?;
    let has_seen = !judged.is_empty() || passed_over.is_empty();
    let config = has_seen.then(|| printed::config(&judged, &settings.schemas));
    Ok(Suggestion { config, passed_over })
}

/// The table with the columns that rules let travel; none of a table that they skip.
fn travelling_part(mut table: Table, rules: &Rules) -> Option<Table> {
    let rules = rules.effective(&table.name);
    let travel: Vec<Ident> = travelling(&table, &rules).into_iter().cloned().collect();
    let columns = table.columns.iter().filter(|column| travel.contains(&column.name));
    table.columns = columns.cloned().collect::<Vec<_>>().into();
    (!rules.skip).then_some(table)
}

const LOOKING: &str = "looking at a sample";

/// All names in what is evaluated lead to the server's own objects.
const BEGIN: &str =
    "begin transaction isolation level repeatable read read only; set local search_path = ''";

async fn look_at<'a>(
    session: &Session,
    table: &'a Table,
    keys: &[ForeignKey],
) -> Result<JudgedTable<'a>> {
    let statement = samples::of(table);
    let row = session.row(LOOKING, &statement).await?;
    let per_column = Look::ALL.len() + 1;
    let mut judged = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        let count = |place: usize| row.count(index * per_column + place);
        let values = count(0)?;
        let counts = (1..per_column).map(count).collect::<Result<Vec<u64>>>()?;
        let found = Look::ALL.into_iter().zip(counts).collect();
        let is_child = keys
            .iter()
            .any(|key| key.child == table.name && key.child_columns.contains(&column.name));
        judged.push(judge(table, column, &judge::Sample { values, found, is_child }));
    }
    Ok(JudgedTable { table, columns: judged })
}

/// Why a table could not be looked at, without the server's text where that may show a value.
async fn told(session: &Session, table: &Table, error: DbError) -> String {
    let error = rights::explained(session, Error::Database(Box::new(error)), true).await;
    let Error::Database(error) = error else { return format!("{} was not looked at", table.name) };
    let why = match error.sqlstate.as_deref() {
        Some("42501") => error.message.clone(),
        Some(state) => format!("SQLSTATE {state}"),
        None => "the server's answer is of no use".to_owned(),
    };
    let hint = error.hint.as_ref().filter(|_| error.sqlstate.as_deref() == Some("42501"));
    let grant = hint.map(|hint| format!(": {hint}"));
    format!("{} was not looked at: {why}{}", table.name, grant.unwrap_or_default())
}
