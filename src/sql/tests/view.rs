//! A table as its rules show it stands where the table would stand.

use super::{item, stamp};
use crate::error::Side::{Source, Target};
use crate::ident::{Ident, TableName};
use crate::sql::Sql;
use crate::sql::digest::DigestOf;
use crate::sql::mapping::{TableMapping, TimestampKind};
use crate::sql::read::Pages;
use crate::sql::user_expression::UserExpression;
use crate::sql::view::{View, ViewColumn};

const MOMENT: &str = "2024-12-13 15:25:30.5";

fn shown(own: &str, name: &str, mask: Option<Sql>) -> ViewColumn {
    ViewColumn { name: Ident::new(name), own: Ident::new(own), mask }
}

fn view() -> View {
    let filter = UserExpression::parse("\"at\" > now() - interval '90 days' or keep");
    View {
        columns: vec![
            shown("updated_at", "updated_at", None),
            shown("id", "id", None),
            shown("cost", "Price", None),
            shown("body", "body", Some(Sql::trusted("null::\"pg_catalog\".\"xml\""))),
            shown("owner", "owner", None),
        ],
        filter: filter.ok().map(|filter| filter.at(MOMENT)),
    }
}

fn ruled() -> TableMapping {
    let mut ruled = item();
    ruled.source.view = Some(view().of(&TableName::new("public", "item"), false));
    ruled.columns.iter_mut().for_each(|column| column.cast = None);
    ruled
}

#[test]
fn rows_are_read_and_digested_as_rules_show_them() {
    let ruled = ruled();
    let zoned = stamp(TimestampKind::Timestamptz);
    super::expect(
        include_str!("view.sql"),
        &[
            ("copy all", ruled.copy_all(None)),
            ("copy pages", ruled.copy_all(Some(Pages { from: 7, to: Some(9) }))),
            ("copy ordered", ruled.copy_ordered(&zoned, &zoned.window(Source, MOMENT))),
            ("copy hashed", ruled.copy_hashed(&zoned, &zoned.window(Source, MOMENT))),
            ("digest of keys", ruled.digest(Source, DigestOf::Keys, None)),
            ("digest of keys on the target", ruled.digest(Target, DigestOf::Keys, None)),
            ("partitioned", view().of(&TableName::new("public", "item"), true)),
        ],
    );
}
