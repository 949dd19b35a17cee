//! What the builders write, as whole statements beside the text that is expected of them, with
//! spaces and line ends made alike.

mod compared;
mod log;
mod view;

use std::time::Duration;

use super::buckets::{Bucketing, Buckets, LoneKey};
use super::digest::{DigestOf, FirstRows, HashFamily, Numbers};
use super::displace::dangling;
use super::horizon::Horizon;
use super::keys::{KeyList, NumberedKey};
use super::read::{Pages, not};
use super::sync_log::{CteSet, Entry, Progress, SyncLog};
use crate::error::Side::{Source, Target};
use crate::ident::{Ident, OperatorName, TableName};
use crate::outcome::Counts;
use crate::sql::mapping::Cast;
use crate::sql::mapping::KeyColumn;
use crate::sql::mapping::{HashMethod, PlanColumn};
use crate::sql::mapping::{Relation, TableMapping, Timestamp, TimestampKind};
use crate::sql::{Literal, Sql};
use crate::table::{ForeignKey, Operator};

/// Compares statements with a file: each stands there behind `-- its name`.
fn expect(file: &str, statements: &[(&str, Sql)]) {
    let alike = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut expected: Vec<(String, String)> = Vec::new();
    for line in file.lines() {
        match (line.strip_prefix("-- "), expected.last_mut()) {
            (Some(name), _) => expected.push((name.to_owned(), String::new())),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => panic!("a statement without a name: {line}"),
        }
    }
    for (name, statement) in statements {
        let there = expected.iter().find(|(expected, _)| expected == name);
        let there = there.map(|(_, text)| alike(text)).unwrap_or_default();
        assert_eq!(alike(statement.as_str()), there, "{name}");
    }
    assert_eq!(expected.len(), statements.len(), "statements that nothing builds are expected");
}

fn operator(name: &str) -> Operator {
    Operator {
        schema: Ident::new("pg_catalog"),
        name: OperatorName::try_from(name.to_owned()).expect("an operator"),
    }
}

fn column(name: &str, kind: &str, hashed: HashMethod) -> PlanColumn {
    PlanColumn {
        name: Ident::new(name),
        cast: None,
        target_type: kind.to_owned(),
        hashed,
        computed: false,
        binary: true,
        exact: true,
        updatable: true,
    }
}

/// An integer key, a column that is cast, one whose text is hashed as it travels, and one that can
/// change without its timestamp; another name and schema on the target.
fn item() -> TableMapping {
    let mut id = column("id", "bigint", HashMethod::Integer);
    id.updatable = false;
    let mut price = column("Price", "numeric(8,2)", HashMethod::Output(Ident::new("numeric_out")));
    price.cast = Some(Cast::To(sql!("pg_catalog.numeric(8,2)")));
    price.binary = false;
    let owner = column("owner", "uuid", HashMethod::Uuid);
    TableMapping {
        source: Relation {
            name: TableName::new("public", "item"),
            partitioned: false,
            partition_tree: false,
            view: None,
        },
        target: Relation {
            name: TableName::new("copy", "Item"),
            partitioned: false,
            partition_tree: false,
            view: None,
        },
        columns: vec![
            column(
                "updated_at",
                "timestamp with time zone",
                HashMethod::Binary(Ident::new("timestamptz_send")),
            ),
            id,
            price,
            column("body", "xml", HashMethod::Printed),
            owner.clone(),
        ],
        generated: Vec::new(),
        key: vec![KeyColumn {
            name: Ident::new("id"),
            cast: None,
            source_type: (Ident::new("pg_catalog"), Ident::new("int4")),
            target_type: (Ident::new("pg_catalog"), Ident::new("int4")),
            source_equals: operator("="),
            target_equals: operator("="),
            hashed: HashMethod::Integer,
            wide: false,
            index: None,
        }],
        own: Vec::new(),
        cannot_arbitrate: false,
        drifting: vec![owner],
        hasher: HashFamily::Extended,
    }
}

/// The same without a column that changes without its timestamp: its keys' digest is kept by writes.
fn tracked() -> TableMapping {
    TableMapping { drifting: Vec::new(), ..item() }
}

/// The same without a key and in partitions, on servers that share no hash function but md5.
fn loose() -> TableMapping {
    let mut mapping = item();
    mapping.key.clear();
    mapping.drifting.clear();
    mapping.source.partitioned = true;
    mapping.target.partitioned = true;
    mapping.hasher = HashFamily::Md5;
    mapping
}

fn ranges() -> Buckets {
    Buckets::new(Bucketing::Range { shift: 6 }, &[0..=0, 4..=6])
}

fn hashes() -> Buckets {
    Buckets::new(Bucketing::Hash { mask: 7 }, &[1..=2, 5..=5])
}

fn singles() -> Buckets {
    let singles = [LoneKey { bucket: 5, hash: -3 }];
    Buckets::new(Bucketing::Hash { mask: 7 }, &[1..=2]).with_singles(&singles)
}

fn stamp(kind: TimestampKind) -> Timestamp {
    Timestamp { column: Ident::new("updated_at"), source: kind, target: TimestampKind::Timestamptz }
}

fn horizon() -> Horizon {
    Horizon {
        horizon: "2024-12-13 15:25:30.5".to_owned(),
        now: "2024-12-13 15:25:31".to_owned(),
        overlap: None,
        least_overlap: Duration::ZERO,
        held: false,
    }
}

fn watermark(horizon: &Horizon, timestamp: &Timestamp, greatest: &str) -> Sql {
    horizon.watermark(timestamp, greatest).expect("nothing holds the watermark").sql()
}

#[test]
fn what_fills_a_hole_is_in_no_comment() {
    let tables = sql!("{name}", name = Literal("a\ncreate table b(); --"));
    let text = "-- of $tables\nselect $tables -- those, $tables\nwhere a ~ '--' and \"--\" = '''--' - -1 -- $tables";
    let filled = Sql::filled(text, &[("tables", &tables)]);
    assert_eq!(
        filled.as_str(),
        "\nselect 'a\ncreate table b(); --' \nwhere a ~ '--' and \"--\" = '''--' - -1 "
    );
}

#[test]
fn values_and_names_cannot_leave_their_quotes() {
    let statement = sql!(
        "select {column} from {table} where x = {value} limit {limit}",
        column = Ident::new("a\"b"),
        table = TableName::new("public", "t; drop table x"),
        value = Literal("it's \\' -- /*"),
        limit = 3u64,
    );
    assert_eq!(
        statement.as_str(),
        "select \"a\"\"b\" from \"public\".\"t; drop table x\" where x = 'it''s \\'' -- /*' limit 3"
    );
}

#[test]
fn rows_are_written_by_their_key() {
    let mut keys_only = item();
    keys_only.columns.iter_mut().for_each(|column| column.updatable = false);
    let deferrable = TableMapping { cannot_arbitrate: true, ..item() };
    let mut divided = item();
    divided.target.partitioned = true;
    expect(
        include_str!("apply.sql"),
        &[
            ("copy into target", item().copy_into_target()),
            ("create stage", item().create_stage()),
            ("copy into stage", item().copy_into_stage()),
            ("upsert", item().upsert()),
            ("upsert by a tracked key", tracked().upsert()),
            ("upsert where all columns are key", keys_only.upsert()),
            ("upsert of a partitioned table", divided.upsert()),
            ("upsert by a deferrable key", deferrable.upsert()),
            ("replace", item().replace()),
            (
                "replace beside columns of the target",
                TableMapping { own: vec![Ident::new("note"), Ident::new("s")], ..item() }.replace(),
            ),
            ("count upsert", item().count_upsert()),
        ],
    );
}

#[test]
fn keys_are_staged_and_looked_up() {
    let key = |number, value: &str| NumberedKey { number, values: vec![value.to_owned()] };
    let keys = [key(1, "7"), key(2, "8")];
    let wider =
        KeyColumn { cast: Some(Cast::To(sql!("pg_catalog.int8"))), ..item().key.swap_remove(0) };
    let widened = TableMapping { key: vec![wider], ..item() };
    let mut taken = item();
    taken.key[0].name = Ident::new("pgsync_hash");
    let window = stamp(TimestampKind::Timestamptz).window(Source, "2024-12-13 15:25:30.5");
    expect(
        include_str!("keys.sql"),
        &[
            ("create key stage", item().create_key_stage()),
            ("copy into key stage", item().copy_into_key_stage()),
            ("copy keys", item().copy_keys(&ranges(), DigestOf::Keys, None)),
            ("copy single keys", item().copy_keys(&singles(), DigestOf::Keys, None)),
            ("create here by ranges", item().create_here(DigestOf::Rows, &ranges())),
            ("create here by hashes", item().create_here(DigestOf::Keys, &singles())),
            ("count unfound", item().count_unfound(&[LoneKey { bucket: 5, hash: -3 }])),
            ("want", item().number_missing_keys()),
            ("want by a key named as ours", taken.number_missing_keys()),
            ("numbered keys", item().numbered_keys(KeyList::Wanted, 1, 2001)),
            ("copy wanted", item().copy_wanted(&keys, None)),
            (
                "copy wanted unless in the window",
                item().copy_wanted(&keys, Some(&not(window.clone()))),
            ),
            ("digest of keys that were wanted", item().digest_of_keys(&keys)),
            ("digest of wanted rows", item().digest_wanted()),
            ("list vanished", item().list_vanished()),
            ("find keys", item().find_keys(&keys)),
            ("find widened keys", widened.find_keys(&keys)),
            ("unlist vanished", item().unlist_vanished(&[1, 2])),
            ("column hashes", item().column_hashes(Target, &keys[..1])),
            ("delete vanished by ranges", item().delete_vanished(&ranges())),
            ("delete vanished by hashes", item().delete_vanished(&hashes())),
            ("delete vanished by a tracked key", tracked().delete_vanished(&hashes())),
        ],
    );
}

#[test]
fn rows_without_a_key_take_the_place_of_others() {
    expect(
        include_str!("keyless.sql"),
        &[
            ("copy buckets", loose().copy_buckets(&hashes(), None)),
            ("replace rows", loose().replace_rows(&hashes())),
            (
                "replace rows without columns",
                TableMapping { columns: Vec::new(), ..loose() }.replace_rows(&hashes()),
            ),
            ("count replace rows", loose().count_replace_rows(&hashes())),
        ],
    );
}

#[test]
fn rows_are_digested_as_a_whole_and_by_buckets() {
    let timeless = stamp(TimestampKind::Timestamptz).without_timestamp();
    let shift = Bucketing::Range { shift: 6 };
    let mask = Bucketing::Hash { mask: 7 };
    let generated = vec![column("twice", "bigint", HashMethod::Integer)];
    let made = TableMapping {
        columns: vec![column("n", "int", HashMethod::Integer)],
        generated,
        ..item()
    };
    let recoded = TableMapping { hasher: HashFamily::Recoded { as_it_is: Some(Source) }, ..item() };
    let (timestamp, horizon) = (stamp(TimestampKind::Timestamptz), horizon());
    let first = FirstRows { limit: 9, timestamp: &timestamp, horizon: &horizon };
    expect(
        include_str!("digest.sql"),
        &[
            ("digest of keys", item().digest(Source, DigestOf::Keys, None)),
            ("digest of rows", item().digest(Source, DigestOf::Rows, Some(&timeless))),
            ("digest of rows on the target", item().digest(Target, DigestOf::Rows, None)),
            ("digest of rows with a generated column", made.digest(Source, DigestOf::Rows, None)),
            ("digest by md5", loose().digest(Source, DigestOf::Rows, None)),
            ("digest by md5 of recoded text", recoded.digest(Target, DigestOf::Keys, None)),
            (
                "digest by md5 of text that is not recoded",
                recoded.digest(Source, DigestOf::Keys, None),
            ),
            ("digest of buckets", item().digest_buckets(Source, &ranges(), false, Some(&timeless))),
            ("digest of staged rows", item().digest_buckets(Target, &ranges(), true, None)),
            ("digest up to", item().digest_up_to(Target, &timeless, first)),
            ("key bounds", item().key_bounds(Source)),
            ("buckets by ranges", item().bucket_digests(Source, DigestOf::Keys, shift, None)),
            (
                "buckets by hashes",
                item().bucket_digests(Target, DigestOf::Keys, mask, Some(&timeless)),
            ),
        ],
    );
}

#[test]
fn a_key_is_hashed_once_where_the_hash_of_its_row_begins_with_it() {
    let by_hash = Bucketing::Hash { mask: 7 };
    let numbers =
        |mapping: TableMapping, bucketing, of| mapping.bucket_hashes(of, bucketing, None).numbers;
    let mut first = item();
    first.columns.swap(0, 1);
    let of_key = Numbers::OfKey { mask: 7 };
    assert_eq!(numbers(first.clone(), by_hash, DigestOf::Rows), of_key);
    // Its key, and behind it what drifts.
    assert_eq!(numbers(item(), by_hash, DigestOf::Keys), of_key);
    assert_eq!(of_key.bucket(13, 6), Numbers::OfBucket.bucket(5, 11));
    let text = KeyColumn { hashed: HashMethod::Text, ..item().key[0].clone() };
    for (mapping, bucketing, of) in [
        (first.clone(), Bucketing::Range { shift: 3 }, DigestOf::Rows),
        (tracked(), by_hash, DigestOf::Keys),
        (item(), by_hash, DigestOf::Rows),
        (TableMapping { key: vec![text], ..first.clone() }, by_hash, DigestOf::Rows),
        (TableMapping { key: Vec::new(), ..first.clone() }, by_hash, DigestOf::Rows),
        (TableMapping { hasher: HashFamily::Md5, ..first }, by_hash, DigestOf::Rows),
    ] {
        assert_eq!(numbers(mapping, bucketing, of), Numbers::OfBucket);
    }
}

#[test]
fn a_table_is_kept_and_says_what_its_storage_is_now() {
    let name = || TableName::new("public", "it\"em");
    let plain = Relation { name: name(), partitioned: false, partition_tree: false, view: None };
    let parted = Relation { partitioned: true, partition_tree: true, ..plain.clone() };
    let older = Relation { partition_tree: false, ..parted.clone() };
    let statements = [
        ("hold", plain.lock_against_truncate()),
        ("hold partitions", parted.lock_against_truncate()),
        ("storage", plain.storage()),
        ("storage of partitions", parted.storage()),
        ("storage of partitions before PostgreSQL 12", older.storage()),
    ];
    expect(include_str!("rewrite_check.sql"), &statements);
}

#[test]
fn rows_are_read_by_pages_and_by_their_timestamp() {
    let moment = "2024-12-13 15:25:30.5";
    let zoned = stamp(TimestampKind::Timestamptz);
    let mut plain = item();
    plain.columns.iter_mut().for_each(|column| column.cast = None);
    let date = stamp(TimestampKind::Date);
    let plain_stamp = stamp(TimestampKind::Timestamp);
    let asked = Horizon { overlap: Some(Duration::from_secs(5)), ..horizon() };
    let blind = Horizon { least_overlap: Duration::from_secs(300), ..horizon() };
    assert_eq!(Horizon { held: true, ..horizon() }.watermark(&zoned, "2024-12-13"), None);
    expect(
        include_str!("read.sql"),
        &[
            ("copy all", item().copy_all(None)),
            ("copy all as it is", plain.copy_all(None)),
            ("copy pages", item().copy_all(Some(Pages { from: 7, to: Some(9) }))),
            ("copy the last pages", item().copy_all(Some(Pages { from: 9, to: None }))),
            ("copy ordered", item().copy_ordered(&zoned, &zoned.window(Source, moment))),
            ("copy hashed", item().copy_hashed(&zoned, &zoned.window(Source, moment))),
            ("window of dates", date.window(Source, moment)),
            ("timeless", zoned.without_timestamp()),
            ("greatest timestamp", zoned.greatest(&item(), &horizon())),
            ("greatest date", date.greatest(&item(), &horizon())),
            ("watermark", watermark(&horizon(), &zoned, "2024-12-13 15:25:29+00")),
            ("watermark without zone", watermark(&horizon(), &plain_stamp, "2024-12-13 15:25:29")),
            ("watermark of dates", watermark(&horizon(), &date, "2024-12-13")),
            ("watermark as asked for", watermark(&asked, &plain_stamp, "2024-12-13 15:25:29")),
            ("watermark of a blind role", watermark(&blind, &zoned, "2024-12-13 15:25:29+00")),
            ("unreadable row", item().unreadable_row()),
            ("unreadable row without a key", loose().unreadable_row()),
        ],
    );
}
