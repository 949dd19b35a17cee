//! Rows, as they travel.

use pgsync::source::ReadTable;
use pgsync::sql::buckets::{Bucketing, Buckets};
use pgsync::sql::keys::NumberedKey;
use pgsync::sql::mapping::Relation;
use pgsync::sql::query::{DigestQuery, RowQuery, RowScope, Since};
use pgsync::table::Table;

use super::{DOING, ITEMS, read, text};
use crate::kind::{Item, Kind, Subject};

fn key(number: u64, value: &str) -> NumberedKey {
    NumberedKey { number, values: vec![value.to_owned()] }
}

pub async fn rows_travel_as_copy_text<K: Kind>() {
    let odd = "tab\there, line\nthere, back\\slash, quote' and é ☃ \u{1F600}";
    let subject = Subject::<K>::holding(&[
        Item::new(-1, odd, "1969-12-31 23:59:59.999999+00"),
        Item::new(2, "", "2024-02-29 00:00:00+00"),
        Item { id: 3, name: None, updated_at: None },
        Item::new(4, "\\N", "2038-01-19 03:14:08+00"),
    ])
    .await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let keys = ["-1", "2", "3", "4"].map(|value| key(1, value));
    let rows = RowQuery::Keys { keys: &keys, scope: RowScope::Table };
    // The timestamp is the first column, then come the others.
    let expected = [
        "1969-12-31 23:59:59.999999+00\t-1\ttab\\there, line\\nthere, back\\\\slash, quote' and é ☃ \u{1F600}\n",
        "2024-02-29 00:00:00+00\t2\t\n",
        "2038-01-19 03:14:08+00\t4\t\\\\N\n",
        "\\N\t3\t\\N\n",
    ];
    assert_eq!(read(&opened, &reader, rows).await, expected);
}

pub async fn changed_rows_come_in_the_order_of_their_timestamp<K: Kind>() {
    let mut items = ITEMS;
    items.reverse();
    let subject = Subject::<K>::holding(&items).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let since = |from| Since { timestamp: opened.timestamp(), from };
    let cases: [(&str, &[&str]); 3] = [
        (
            "2024-01-01 00:00:00",
            &["2024-01-01 00:00:00+00", "2024-01-02 12:30:00.5+00", "2024-01-03 00:00:00+00"],
        ),
        ("2024-01-02 12:30:00.5", &["2024-01-02 12:30:00.5+00", "2024-01-03 00:00:00+00"]),
        ("2024-01-03 00:00:00.000001", &[]),
    ];
    for (from, expected) in cases {
        let rows = reader.copy_out(DOING, opened.mapping(), RowQuery::InOrder(since(from))).await;
        let rows = text(rows.expect("rows")).await;
        let moments = rows.iter().map(|row| row.split('\t').next().unwrap_or_default());
        assert_eq!(moments.collect::<Vec<_>>(), expected, "from {from}");
    }
}

pub async fn rows_and_their_hashes_make_the_digest<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let since = Since { timestamp: opened.timestamp(), from: "2024-01-02 12:30:00.5" };
    let plain = read(&opened, &reader, RowQuery::InOrder(since)).await;
    let hashed = read(&opened, &reader, RowQuery::InOrderHashed(since)).await;
    let mut sum = 0;
    let rows = hashed.iter().map(|row| {
        let (hash, values) = row.split_once('\t').expect("a hash before the values");
        sum += hash.parse::<i128>().expect("a number");
        values.to_owned()
    });
    assert_eq!(rows.collect::<Vec<String>>(), plain);
    let scope = DigestQuery::Rows(RowScope::Since(since));
    let digest = reader.digest(DOING, opened.mapping(), scope).await.expect("a digest");
    assert_eq!((digest.rows, digest.sum), (plain.len() as u64, sum));
}

pub async fn rows_are_found_by_their_keys<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let keys = [key(1, "5"), key(2, "77"), key(3, "1")];
    let rows = RowQuery::Keys { keys: &keys, scope: RowScope::Table };
    let expected = ["2024-01-01 00:00:00+00\t1\tone\n", "infinity\t5\tfive\n"];
    assert_eq!(read(&opened, &reader, rows).await, expected);
    let finite =
        RowScope::NotSince(Since { timestamp: opened.timestamp(), from: "2024-01-01 00:00:00" });
    let rows = RowQuery::Keys { keys: &keys, scope: finite };
    assert_eq!(read(&opened, &reader, rows).await, ["infinity\t5\tfive\n"]);
}

pub async fn rows_are_found_by_their_buckets<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    // Keys 2 and 3, then 4 and 5.
    let ranges = Bucketing::Range { shift: 1 };
    for (spans, ids) in [(vec![1..=1], "23"), (vec![0..=0, 2..=2], "145"), (vec![9..=11], "")] {
        let buckets = Buckets::new(ranges, &spans);
        let rows = RowQuery::Buckets { buckets: &buckets, scope: RowScope::Table };
        let mut found: Vec<String> = read(&opened, &reader, rows).await;
        found.sort_by_key(|row| row.split('\t').nth(1).map(str::to_owned));
        let found: String = found.iter().filter_map(|row| row.split('\t').nth(1)).collect();
        assert_eq!(found, ids, "{spans:?}");
    }
    // Each row lies in one bucket of hashes.
    let mut all = Vec::new();
    for bucket in 0..4 {
        let buckets = Buckets::new(Bucketing::Hash { mask: 3 }, &[bucket..=bucket]);
        let rows = RowQuery::Buckets { buckets: &buckets, scope: RowScope::Table };
        all.extend(read(&opened, &reader, rows).await);
    }
    assert_eq!(all.len(), ITEMS.len());
}

pub async fn conditions_on_the_timestamp_take_each_row_apart<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let since = Since { timestamp: opened.timestamp(), from: "2024-01-02 00:00:00" };
    let cases = [
        (RowScope::Table, "12345"),
        (RowScope::Since(since), "23"),
        (RowScope::NotSince(since), "145"),
        (RowScope::Before(since), "1"),
        (RowScope::WithoutTimestamp(opened.timestamp()), "45"),
    ];
    let buckets = Buckets::new(Bucketing::Range { shift: 60 }, &[0..=0]);
    for (scope, expected) in cases {
        let rows = RowQuery::Buckets { buckets: &buckets, scope };
        let rows = read(&opened, &reader, rows).await;
        let mut ids: Vec<&str> = rows.iter().filter_map(|row| row.split('\t').nth(1)).collect();
        ids.sort_unstable();
        assert_eq!(ids.concat(), expected, "{scope:?}");
    }
}

fn read_table(table: &Table) -> ReadTable<'_> {
    ReadTable { relation: Relation::of(table), storage: &table.storage }
}

pub async fn a_source_says_whether_there_is_any_row<K: Kind>() {
    let subject = Subject::<K>::holding(&[]).await;
    let opened = subject.open().await;
    let tables: Vec<_> = opened.state.tables.iter().map(read_table).collect();
    assert!(!opened.source.any_row(&tables).await.expect("an answer"));
    opened.source.close().await;
    subject.put(&ITEMS).await;
    let opened = subject.open().await;
    let tables: Vec<_> = opened.state.tables.iter().map(read_table).collect();
    assert!(opened.source.any_row(&tables).await.expect("an answer"));
}
