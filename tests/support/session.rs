//! One connection of the test to one database. Everything travels as text, and a statement that
//! fails panics with its own text and the server's words.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

pub struct Session {
    client: Client,
}

/// A row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

impl Session {
    pub async fn open(url: &str) -> Self {
        Self::try_open(url).await.unwrap_or_else(|error| panic!("connecting to {url}: {error}"))
    }

    /// The server's answer is for tests about roles and passwords.
    pub async fn try_open(url: &str) -> Result<Self, String> {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.map_err(|error| words(&error))?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    pub async fn run(&self, sql: &str) {
        if let Err(error) = self.try_run(sql).await {
            panic!("{error}\nwhile running: {sql}");
        }
    }

    pub async fn try_run(&self, sql: &str) -> Result<(), String> {
        self.client.batch_execute(sql).await.map_err(|error| words(&error))
    }

    /// `copy … from stdin` with these rows.
    pub async fn copy(&self, sql: &str, rows: Vec<u8>) {
        let sent = async {
            let mut sink = pin!(self.client.copy_in::<_, Bytes>(sql).await?);
            sink.send(rows.into()).await?;
            sink.finish().await
        };
        sent.await.unwrap_or_else(|error| panic!("{}\nwhile running: {sql}", words(&error)));
    }

    pub async fn rows(&self, sql: &str) -> Vec<Row> {
        let answer = self.try_rows(sql).await;
        answer.unwrap_or_else(|error| panic!("{}\nwhile running: {sql}", words(&error)))
    }

    async fn try_rows(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let messages = self.client.simple_query(sql).await?;
        let rows = messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            })
            .map(|row| (0..row.len()).map(|at| row.get(at).map(Into::into)).collect());
        Ok(rows.collect())
    }

    /// The first column of every row; NULL reads `null`.
    pub async fn column(&self, sql: &str) -> Vec<String> {
        let null = || "null".to_string();
        let rows = self.rows(sql).await;
        rows.into_iter().map(|mut row| row.swap_remove(0).unwrap_or_else(null)).collect()
    }

    /// The one value of a query's one row; NULL reads `null`.
    pub async fn value(&self, sql: &str) -> String {
        let mut column = self.column(sql).await;
        assert_eq!(column.len(), 1, "one row expected of: {sql}");
        column.remove(0)
    }

    /// Returns once the query says `t`: the way to see that another session has got somewhere.
    /// A standby may cancel the query because its replay goes first: then it is asked again.
    pub async fn until(&self, sql: &str) {
        let start = Instant::now();
        loop {
            match self.try_rows(sql).await {
                Ok(rows) if rows == [[Some("t".to_string())]] => return,
                Ok(_) => {}
                Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {}
                Err(error) => panic!("{}\nwhile running: {sql}", words(&error)),
            }
            assert!(start.elapsed() < Duration::from_secs(30), "never became true: {sql}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What the server said; the driver's own words name no reason.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
        None => format!("{error:?}"),
    }
}
