//! `pgsync mask preview TABLE`: some rows of a table as a run would read them. Reads the source only. What would
//! travel with neither a mask nor a keep is not read.

use chrono::Utc;

use crate::config::{OwnFlags, Settings};
use crate::error::{Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::pg::{self, Pool, Session, catalog, rights};
use crate::plan::guard;
use crate::plan::masking::{self, Ruled};
use crate::plan::shown::{Moment, ShownTable};
use crate::rules::SourceColumns;
use crate::sql::dialect::Dialect;
use crate::sql::mask::MaskHash;
use crate::sql::{Sql, sql};
use crate::suggest;
use crate::table::{Column, Table};

/// What `pgsync mask preview` is asked.
#[derive(Clone, Debug)]
pub struct PreviewSettings {
    pub base: Box<Settings>,
    /// As the command line has it: `name`, or `schema.name`.
    pub table: Option<String>,
    pub limit: u64,
}

impl PreviewSettings {
    /// Reads the flag that only this command has.
    pub fn limit(flags: &mut OwnFlags) -> u64 {
        flags.number("limit", 1, 1_000).unwrap_or(10)
    }
}

/// Some rows, by the names that their columns get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub columns: Vec<Ident>,
    /// NULL is none.
    pub rows: Vec<Vec<Option<String>>>,
    /// Columns that were not read, for nobody has decided about them.
    pub undecided: Vec<Ident>,
    /// Columns that the target computes.
    pub computed: Vec<Ident>,
}

const READING: &str = "reading masked rows";

const BEGIN: &str = "begin transaction isolation level repeatable read read only";

/// Reads them.
///
/// # Errors
/// No such table, or one without masks; masks that cannot be; what concerns the source.
pub async fn preview(settings: &PreviewSettings) -> Result<Preview> {
    let base = &settings.base;
    if let (Some(mask), None) = (base.rules.keyed_mask(), &base.mask_key) {
        return Err(Error::Config(vec![mask.to_string()]));
    }
    let masking = pg::Masking { key: base.mask_key.clone(), discreet: true };
    let session =
        pg::Settings { lock_timeout: base.lock_timeout, masking, ..pg::Settings::default() };
    let pool = Pool::new(base.source.postgres("mask preview")?, Side::Source, 1, session)?;
    let session = pool.get().await?;
    session.run(READING, &Sql::trusted(BEGIN)).await?;
    let read = read(&session, settings).await;
    session.run(READING, &Sql::trusted("rollback")).await?;
    match read {
        Err(error) => Err(rights::explained(&session, error, true).await),
        read => read,
    }
}

async fn read(session: &Session, settings: &PreviewSettings) -> Result<Preview> {
    let base = &settings.base;
    let server = catalog::server(session).await?;
    let schemas = catalog::chosen_schemas(session, &base.schemas).await?;
    let tables = catalog::tables(session, &schemas, server.user_types).await?;
    let keys = catalog::foreign_keys(session, &schemas).await?.of_tables;
    let table = named(&tables, settings.table.as_deref())?;
    let rules = |table: &Table| base.rules.effective(&table.name);
    let mut ruled: Ruled<'_> = tables.iter().map(|table| (table, rules(table))).collect();
    let mut problems = base.rules.problems(&columns_of(&tables));
    problems.extend(masking::inherit(&mut ruled, &keys, |name| name == &table.name));
    let undecided = guard::unmasked(&ruled).remove(&table.name).unwrap_or_default();
    ruled.retain(|(one, _)| one.name == table.name);
    let Some((_, mut rules)) = ruled.pop() else { return Ok(Preview::default()) };
    if rules.mask.is_empty() {
        return Err(Error::Config(vec![format!("no column of {} is masked", table.name)]));
    }
    problems.extend(masking::problems(table, &rules, None).into_values());
    // A mask makes an ordinary column of it.
    let is_computed = |column: &&Column| column.generated && !rules.mask.contains_key(&column.name);
    let computed = table.columns.iter().filter(is_computed);
    let computed: Vec<Ident> = computed.map(|column| column.name.clone()).collect();
    rules.exclude_columns.extend(undecided.iter().cloned());
    let masks = masking::masks(table, &rules, MaskHash::of(server.version));
    let now = Utc::now().format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let moment = Moment { now: &now, mask_key: "", dialect: Dialect::Postgres };
    let shown = ShownTable::new(table, rules, &masks, &moment);
    let shown = match shown {
        Ok(shown) if problems.is_empty() => shown,
        Ok(_) => return Err(Error::Config(problems)),
        Err(found) => return Err(Error::Config([problems, found].concat())),
    };
    // The key travels always: of it, too, nothing is shown that nobody has decided about.
    let is_decided =
        |column: &&Ident| !undecided.iter().any(|open| shown.rules.target_column(open) == *column);
    let columns = shown.table.columns.iter().map(|column| &column.name);
    let columns: Vec<Ident> = columns.filter(is_decided).cloned().collect();
    let statement = sql!(
        "select {columns} from {rows} t limit {limit}",
        columns = Sql::join(&columns, ", "),
        rows = shown.relation().rows(),
        limit = settings.limit
    );
    let rows = session.rows(READING, &statement).await?;
    let rows = rows.iter().map(pg::Row::texts).collect();
    Ok(Preview { columns, rows, undecided, computed })
}

fn columns_of(tables: &[Table]) -> Vec<SourceColumns<'_>> {
    let of_table = tables.iter().map(|table| SourceColumns {
        table: &table.name,
        columns: table.columns.iter().map(|column| &column.name).collect(),
        key: Vec::new(),
        timeless: Vec::new(),
        new: Vec::new(),
        only_on_target: Vec::new(),
    });
    of_table.collect()
}

/// The table that is meant.
fn named<'t>(tables: &'t [Table], text: Option<&str>) -> Result<&'t Table> {
    let Some(text) = text else {
        let problem = "name a table: pgsync mask preview TABLE".to_owned();
        return Err(Error::Config(vec![problem]));
    };
    let is_meant = |name: &TableName| name.name.as_str() == text || name.to_string() == text;
    let meant: Vec<&Table> = tables.iter().filter(|table| is_meant(&table.name)).collect();
    match meant[..] {
        [table] => Ok(table),
        [] => {
            let names: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
            let plain = tables.iter().map(|table| table.name.name.as_str());
            let near = suggest::did_you_mean(text, names.iter().map(String::as_str).chain(plain));
            let problem =
                format!("\"{text}\" is no table of the selected schemas on the source{near}");
            Err(Error::Config(vec![problem]))
        }
        _ => Err(Error::Config(vec![format!(
            "several schemas have a table \"{text}\": name it as schema.table"
        )])),
    }
}
