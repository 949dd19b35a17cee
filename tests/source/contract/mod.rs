//! The questions, by subject.

pub mod digests;
pub mod keys;
pub mod rows;
pub mod snapshot;

use pgsync::digest::Digest;
use pgsync::source::{Reader, SourceRows};
use pgsync::sql::query::{DigestQuery, RowQuery, RowScope};
use pgsync::target_side;

use crate::kind::{Item, Opened};

pub const DOING: &str = "testing";

pub const ITEMS: [Item; 5] = [
    Item::new(1, "one", "2024-01-01 00:00:00+00"),
    Item::new(2, "two", "2024-01-02 12:30:00.5+00"),
    Item { id: 3, name: None, updated_at: Some("2024-01-03 00:00:00+00") },
    Item { id: 4, name: Some("four"), updated_at: None },
    Item::new(5, "five", "infinity"),
];

/// All rows of a stream, as text.
pub async fn text(mut rows: SourceRows) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(row) = rows.next().await.expect("a row") {
        lines.push(String::from_utf8_lossy(&row).into_owned());
    }
    lines
}

/// The rows of a scope, in the order of their keys.
pub async fn read(opened: &Opened, reader: &Reader, query: RowQuery<'_>) -> Vec<String> {
    let rows = reader.copy_out(DOING, opened.mapping(), query).await.expect("rows");
    let mut lines = text(rows).await;
    lines.sort();
    lines
}

/// The source's digest of all rows.
pub async fn digest_of_all(opened: &Opened, reader: &Reader) -> Digest {
    let all = DigestQuery::Rows(RowScope::Table);
    reader.digest(DOING, opened.mapping(), all).await.expect("a digest")
}

/// The target's answer to what the source is asked, too.
pub async fn digest_on_target(opened: &Opened, query: DigestQuery<'_>) -> Digest {
    let digest = target_side::digest::rows(&opened.target, DOING, opened.mapping(), query).await;
    digest.expect("a digest")
}
