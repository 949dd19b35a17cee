//! Keys, and the moments of rows.

use pgsync::sql::keys::NumberedKey;

use super::{DOING, ITEMS, digest_of_all};
use crate::kind::{Item, Kind, Subject};

fn key(number: u64, value: &str) -> NumberedKey {
    NumberedKey { number, values: vec![value.to_owned()] }
}

pub async fn the_source_knows_its_keys_and_no_others<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let asked = [key(10, "5"), key(11, "6"), key(12, "-1"), key(13, "1")];
    let mut found = reader.find_keys(DOING, opened.mapping(), &asked).await.expect("an answer");
    found.sort_unstable();
    assert_eq!(found, [10, 13]);
    let none = reader.find_keys(DOING, opened.mapping(), &[]).await.expect("an answer");
    assert_eq!(none, [0; 0]);
    let digest = reader.digest_of_keys(DOING, opened.mapping(), &asked).await.expect("a digest");
    assert_eq!(digest.rows, 2);
}

pub async fn a_text_that_is_no_key_is_found_nowhere<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let asked = [key(1, "2"), key(2, "no number"), key(3, "99999999999999999999"), key(4, "4")];
    let mut found = reader.find_keys(DOING, opened.mapping(), &asked).await.expect("an answer");
    found.sort_unstable();
    assert_eq!(found, [1, 4]);
    // And the reader can be used as before.
    assert_eq!(digest_of_all(&opened, &reader).await.rows, ITEMS.len() as u64);
}

pub async fn bounds_are_the_least_and_the_greatest_key<K: Kind>() {
    let subject = Subject::<K>::holding(&[]).await;
    let opened = subject.open().await;
    let bounds = opened.reader().await.key_bounds(DOING, opened.mapping()).await;
    assert_eq!(bounds.expect("bounds"), [0; 0]);
    opened.source.close().await;
    let (least, greatest) = (i64::MIN, i64::MAX);
    let name = Some("x");
    subject.put(&[Item { id: least, name, updated_at: None }]).await;
    subject.put(&[Item { id: greatest, name, updated_at: None }]).await;
    let opened = subject.open().await;
    let bounds = opened.reader().await.key_bounds(DOING, opened.mapping()).await;
    assert_eq!(bounds.expect("bounds"), [i128::from(least), i128::from(greatest)]);
}

pub async fn the_greatest_timestamp_is_a_finite_one<K: Kind>() {
    let subject = Subject::<K>::holding(&[ITEMS[3], ITEMS[4]]).await;
    let opened = subject.open().await;
    let greatest = opened
        .reader()
        .await
        .greatest_timestamp(opened.mapping(), opened.timestamp(), opened.horizon())
        .await;
    assert_eq!(greatest.expect("an answer"), None);
    opened.source.close().await;
    subject.put(&ITEMS).await;
    let opened = subject.open().await;
    let greatest = opened
        .reader()
        .await
        .greatest_timestamp(opened.mapping(), opened.timestamp(), opened.horizon())
        .await;
    assert_eq!(greatest.expect("an answer").as_deref(), Some("2024-01-03 00:00:00+00"));
}
