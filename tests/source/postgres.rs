//! A PostgreSQL source.

use pgsync::config::source::SourceInfo;

use crate::kind::{Item, Kind, info_of, insert};
use crate::support::Pair;

pub struct Postgres;

impl Kind for Postgres {
    async fn with_items(db: &Pair) -> Self {
        db.source("create table item (id bigint primary key, name text, updated_at timestamptz)")
            .await;
        Self
    }

    fn info(&self, db: &Pair) -> SourceInfo {
        SourceInfo::Postgres(info_of(&db.source_url()))
    }

    async fn put(&self, db: &Pair, items: &[Item]) {
        let statements: Vec<String> = items.iter().map(insert).collect();
        db.source(&statements.join("; ")).await;
    }

    async fn remove(&self, db: &Pair, ids: &[i64]) {
        db.source(&format!("delete from item where id = any (array{ids:?}::bigint[])")).await;
    }

    async fn empty(&self, db: &Pair) {
        db.source("truncate item").await;
    }
}
