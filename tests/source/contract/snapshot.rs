//! One moment, in which everything is read.

use pgsync::source::Lock;

use super::{DOING, ITEMS, digest_of_all};
use crate::kind::{Item, Kind, Subject};

const CHANGED: Item = Item::new(1, "changed", "2024-02-01 00:00:00+00");

pub async fn rows_are_those_of_the_moment_at_which_the_source_was_opened<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let before = digest_of_all(&opened, &reader).await;
    subject.put(&[CHANGED]).await;
    subject.kind.remove(&subject.db, &[2, 3]).await;
    assert_eq!(digest_of_all(&opened, &reader).await, before);
}

pub async fn readers_share_that_moment<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let reader = opened.reader().await;
    let before = digest_of_all(&opened, &reader).await;
    subject.put(&[CHANGED]).await;
    let other = opened.reader().await;
    assert_eq!(digest_of_all(&opened, &other).await, before);
    opened.source.release(other, false).await;
    opened.source.release(reader, false).await;
    let again = opened.reader().await;
    assert_eq!(digest_of_all(&opened, &again).await, before);
}

pub async fn a_source_that_is_opened_again_is_of_another_moment<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    let before = digest_of_all(&opened, &opened.reader().await).await;
    opened.source.close().await;
    subject.put(&[CHANGED]).await;
    let opened = subject.open().await;
    assert_ne!(digest_of_all(&opened, &opened.reader().await).await, before);
}

pub async fn a_table_that_was_emptied_since_is_not_taken_for_an_empty_one<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    subject.kind.empty(&subject.db).await;
    let reader = opened.reader().await;
    let checked = reader.check_not_rewritten(DOING, &opened.plan, Lock::Kept).await;
    // Either the source still has the rows of its moment, or it says that it has not.
    match checked {
        Ok(()) => assert_eq!(digest_of_all(&opened, &reader).await.rows, ITEMS.len() as u64),
        Err(error) => assert!(error.outdates_snapshot(), "{error}"),
    }
}

pub async fn a_table_that_is_the_same_may_be_read_on<K: Kind>() {
    let subject = Subject::<K>::holding(&ITEMS).await;
    let opened = subject.open().await;
    subject.put(&[CHANGED]).await;
    let reader = opened.reader().await;
    for lock in [Lock::LetGo, Lock::Kept] {
        let checked = reader.check_not_rewritten(DOING, &opened.plan, lock).await;
        checked.expect("nothing was rewritten");
    }
    assert_eq!(digest_of_all(&opened, &reader).await.rows, ITEMS.len() as u64);
}
