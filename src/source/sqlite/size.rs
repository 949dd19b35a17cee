//! How large the tables of a file are. Looking for that reads rows, so only tables that are read anyway are
//! looked at: a file that nobody has touched is not.

use rusqlite::{Connection, ErrorCode};

use crate::ident::Ident;

/// Rows that are counted where nothing else tells how many there are.
const COUNTED: u64 = 100_000;
/// What a row takes, about, in a table of which so many were counted.
const ROW: u64 = 100;

/// A table of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// About so many.
    pub rows: u64,
    /// Its share of the file.
    pub bytes: u64,
}

/// The sizes of tables of a file that holds `bytes`, in their order.
pub fn of(connection: &Connection, tables: &[Ident], bytes: u64) -> rusqlite::Result<Vec<Size>> {
    let rows = tables.iter().map(|table| match estimate(connection, table) {
        // The file holds the other tables, too.
        Ok(COUNTED) => Ok(COUNTED.max(bytes / ROW)),
        // Whoever reads the table will say so, of this table alone.
        Err(error) if error.sqlite_error_code().is_some_and(is_of_one_table) => Ok(0),
        rows => rows,
    });
    let rows: Vec<u64> = rows.collect::<rusqlite::Result<_>>()?;
    let all: u128 = rows.iter().map(|rows| u128::from(*rows).max(1)).sum();
    let share = |rows: u64| u128::from(bytes) * u128::from(rows) / all.max(1);
    Ok(rows.into_iter().map(|rows| Size { rows, bytes: share(rows) as u64 }).collect())
}

/// Whether other tables can be read all the same: this one is damaged, or its key has an order that only its app knows.
fn is_of_one_table(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
}

/// About how many rows a table has, without a look at all of them: `COUNTED` stands for as many or more.
fn estimate(connection: &Connection, table: &Ident) -> rusqlite::Result<u64> {
    let (quoted, name) = (table.quoted(), table.as_str());
    // The target may write the name in other letters.
    let has_rowid =
        "select not wr from pragma_table_list where schema = 'main' and name = ?1 collate nocase";
    let has_rowid: bool = connection.query_row(has_rowid, [name], |row| row.get(0))?;
    // A column of that name would be read.
    let is_free = "select not exists (select 1 from pragma_table_xinfo(?1) where lower(name) = ?2)";
    let mut rowid = None;
    for own in ["rowid", "_rowid_", "oid"] {
        if rowid.is_none() && connection.query_row(is_free, [name, own], |row| row.get(0))? {
            rowid = Some(own);
        }
    }
    let statement = match rowid.filter(|_| has_rowid) {
        // Asked for both at once, SQLite looks at all rows.
        Some(rowid) => format!(
            "select (select max({rowid}) from {quoted}) - (select min({rowid}) from {quoted}) + 1"
        ),
        None => format!("select count(*) from (select 1 from {quoted} limit {COUNTED})"),
    };
    let rows: Option<i64> =
        connection.query_row(&statement, [], |row| row.get(0)).or_else(|error| {
            // The whole range of 64 bits.
            if error.sqlite_error_code().is_some() { Err(error) } else { Ok(None) }
        })?;
    Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;
    use crate::source::sqlite::catalog;

    fn filled() -> Connection {
        let made = "create table a (id integer primary key, t text); \
                    create table b (rowid text, oid int, t text); \
                    create table c (k text primary key, t text) without rowid; create table d (t text); \
                    with n (i) as (select 1 union all select i + 1 from n where i < 3000) \
                    insert into a select i + 10, 'text ' || i from n; \
                    insert into b select t, id, t from a where id <= 110; insert into c select t, t from a";
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(made).expect("tables");
        connection
    }

    #[test]
    fn tables_share_the_file_by_their_rows() {
        let names = ["A", "b", "c", "d"].map(Ident::new);
        let sizes = of(&filled(), &names, 610_000).expect("sizes");
        let size = |rows, bytes| Size { rows, bytes };
        // One row more than there is stands for the table without any.
        let expected = [size(3000, 299_950), size(100, 9_998), size(3000, 299_950), size(0, 0)];
        assert_eq!(sizes, expected);
    }

    #[test]
    fn the_catalog_is_read_without_a_look_at_rows() {
        let path = std::env::temp_dir().join(format!("pgsync-size-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        filled().execute("vacuum into ?1", [path.to_str()]).expect("a file");
        let page = 4096;
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file");
        let bytes = file.metadata().expect("its size").len();
        file.seek(SeekFrom::Start(page)).expect("the second page");
        file.write_all(&vec![0xee; (bytes - page) as usize]).expect("noise");
        let connection = Connection::open(&path).expect("a database");
        let catalog = catalog::read(&connection, &Ident::new("public"), bytes).expect("a catalog");
        assert_eq!(catalog.tables.len(), 4);
        let sizes = of(&connection, &[Ident::new("a")], bytes).expect("sizes");
        assert_eq!(sizes[0].rows, 0);
        std::fs::remove_file(path).expect("the file goes");
    }
}
