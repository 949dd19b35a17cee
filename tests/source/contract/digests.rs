//! Digests: equal for equal rows, on both sides.

use futures_util::TryStreamExt;
use pgsync::digest::Digest;
use pgsync::digest::buckets::{Bucket, BucketStream, OpenBuckets};
use pgsync::source::{Lock, Question};
use pgsync::sql::buckets::{Bucketing, Buckets};
use pgsync::sql::digest::DigestOf;
use pgsync::sql::keys::NumberedKey;
use pgsync::sql::query::{BucketQuery, DigestQuery, RowQuery, RowScope, Since};
use pgsync::sql::share::Share;
use pgsync::target_side;

use super::{DOING, ITEMS, digest_of_all, digest_on_target, read};
use crate::kind::{Item, Kind, Subject};

pub async fn equal_rows_have_equal_digests_on_both_sides<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let since = Since { timestamp: opened.timestamp(), from: "2024-01-02 00:00:00" };
    let some = Buckets::new(Bucketing::Range { shift: 1 }, &[1..=1]);
    let cases = [
        (DigestQuery::Keys, 5),
        (DigestQuery::Rows(RowScope::Table), 5),
        (DigestQuery::Rows(RowScope::Since(since)), 2),
        (DigestQuery::Rows(RowScope::WithoutTimestamp(opened.timestamp())), 2),
        (DigestQuery::FirstSince { since, limit: 10, horizon: opened.horizon() }, 2),
        (DigestQuery::Buckets { buckets: &some, scope: RowScope::Table }, 2),
        (DigestQuery::Share(Share { part: 1, of: 7 }), 5),
        (DigestQuery::Share(Share { part: 2, of: 7 }), 0),
    ];
    for (query, rows) in cases {
        let digest = reader.digest(DOING, opened.mapping(), query).await.expect("a digest");
        assert_eq!(digest.rows, rows, "{query:?}");
        assert_eq!(digest, digest_on_target(&opened, query).await, "{query:?}");
    }
}

pub async fn a_change_of_any_column_changes_the_digest<K: Kind>() {
    let [one, ..] = ITEMS;
    let subject = Subject::<K>::holding(&[one]).await;
    let mut seen: Vec<Digest> = Vec::new();
    let changes = [
        one,
        Item { name: Some("One"), ..one },
        Item { name: Some(""), ..one },
        Item { name: None, ..one },
        Item { updated_at: Some("2024-01-01 00:00:00.000001+00"), ..one },
        Item { updated_at: None, ..one },
    ];
    for change in changes {
        subject.put(&[change]).await;
        let opened = subject.open().await;
        let digest = digest_of_all(&opened, &opened.reader().await).await;
        assert!(!seen.contains(&digest), "{change:?}");
        seen.push(digest);
    }
}

pub async fn keys_have_digests_of_their_own<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    subject.put(&[Item::new(1, "other", "2024-05-05 00:00:00+00")]).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let keys = reader.digest(DOING, opened.mapping(), DigestQuery::Keys).await.expect("a digest");
    assert_eq!(keys, digest_on_target(&opened, DigestQuery::Keys).await);
    let rows = digest_of_all(&opened, &reader).await;
    assert_ne!(rows, digest_on_target(&opened, DigestQuery::Rows(RowScope::Table)).await);
}

pub async fn the_first_rows_of_a_window_come_with_their_greatest_timestamp<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let since = Since { timestamp: opened.timestamp(), from: "2024-01-01 00:00:00" };
    for (limit, rows) in [(2, 2), (3, 3), (9, 3)] {
        let query = DigestQuery::FirstSince { since, limit, horizon: opened.horizon() };
        let asked = [Question::Digest(query)];
        let answers = reader.answers(DOING, &opened.plan, Lock::Kept, &asked).await;
        let answers = answers.expect("answers");
        assert_eq!(answers[0].digest.rows, rows, "of {limit}");
        if limit > 2 {
            assert_eq!(answers[0].greatest.as_deref(), Some("2024-01-03 00:00:00+00"));
        }
    }
}

async fn all(buckets: BucketStream) -> Vec<Bucket> {
    let arrivals: Vec<_> = buckets.try_collect().await.expect("digests");
    arrivals.into_iter().map(|arrival| arrival.bucket).collect()
}

pub async fn buckets_have_equal_digests_on_both_sides<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let by_range = Bucketing::Range { shift: 1 };
    for (bucketing, of) in [
        (by_range, DigestOf::Rows),
        (by_range, DigestOf::Keys),
        (Bucketing::Hash { mask: 3 }, DigestOf::Rows),
        (Bucketing::Hash { mask: 1023 }, DigestOf::Keys),
    ] {
        let query = BucketQuery { of, bucketing, scope: RowScope::Table, within: None };
        let mapping = opened.mapping();
        let source = reader.bucket_digests(DOING, mapping, query).await.expect("digests");
        let source = all(source).await;
        let target = target_side::digest::buckets(&opened.target, DOING, mapping, query);
        assert_eq!(source, all(target.await.expect("digests")).await, "{query:?}");
        let sums = OpenBuckets::numbered(0..=1);
        let target =
            target_side::digest::buckets_of_hashes(&opened.target, DOING, mapping, query, sums);
        assert_eq!(source, all(target.await.expect("digests")).await, "{query:?}");
        if bucketing == by_range {
            let rows = source.iter().map(|bucket| (bucket.number, bucket.digest.rows));
            assert_eq!(rows.collect::<Vec<_>>(), [(0, 1), (1, 2), (2, 2)]);
        }
    }
}

pub async fn hashes_of_keys_add_up_to_the_digest_of_their_bucket<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let all = Buckets::new(Bucketing::Range { shift: 60 }, &[0..=0]);
    let hashes = |of| RowQuery::KeyHashes { buckets: &all, of, scope: RowScope::Table };
    for (of, query) in
        [(DigestOf::Rows, DigestQuery::Rows(RowScope::Table)), (DigestOf::Keys, DigestQuery::Keys)]
    {
        let lines = read(&opened, &reader, hashes(of)).await;
        let hash = |line: &String| line.trim_end().split('\t').nth(1)?.parse::<i128>().ok();
        let sum = lines.iter().filter_map(hash).sum();
        let expected = reader.digest(DOING, opened.mapping(), query).await.expect("a digest");
        assert_eq!(Digest { rows: lines.len() as u64, sum }, expected, "{of:?}");
    }
}

pub async fn questions_are_answered_in_their_order<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let (timestamp, horizon) = (opened.timestamp(), opened.horizon());
    let questions = [
        Question::Digest(DigestQuery::Keys),
        Question::Greatest { timestamp, horizon },
        Question::Digest(DigestQuery::Rows(RowScope::Table)),
    ];
    for lock in [Lock::LetGo, Lock::Kept] {
        let answers = reader.answers(DOING, &opened.plan, lock, &questions).await;
        let answers = answers.expect("answers");
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[0].digest, digest_on_target(&opened, DigestQuery::Keys).await);
        assert_eq!(answers[1].greatest.as_deref(), Some("2024-01-03 00:00:00+00"));
        assert_eq!(answers[2].digest, digest_of_all(&opened, &reader).await);
    }
}

pub async fn hashes_of_columns_tell_which_one_differs<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    subject.put(&[Item::new(1, "other", "2024-01-01 00:00:00+00")]).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let mapping = opened.mapping();
    let key = |value: &str| NumberedKey { number: 1, values: vec![value.to_owned()] };
    let source = reader.column_hashes(DOING, mapping, &key("1")).await.expect("hashes");
    let source = source.expect("a row");
    let target = target_side::digest::column_hashes(&opened.target, DOING, mapping, &key("1"))
        .await
        .expect("hashes")
        .expect("a row");
    let differs: Vec<&str> = mapping
        .columns
        .iter()
        .zip(source.iter().zip(&target))
        .filter(|(_, (source, target))| source != target)
        .map(|(column, _)| column.name.as_str())
        .collect();
    assert_eq!(differs, ["name"]);
    let none = reader.column_hashes(DOING, mapping, &key("77")).await.expect("hashes");
    assert_eq!(none, None);
}
