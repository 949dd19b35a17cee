//! How rows that differ are looked at one by one, and what would repair them.

use crate::sql::compared::{ColumnQuery, LastRead, Values};
use crate::sql::tests::*;

fn values() -> Values {
    vec![
        (Ident::new("id"), Some("7".to_owned())),
        (Ident::new("Price"), Some("1.50".to_owned())),
        (Ident::new("own\"er"), None),
        (Ident::new("twice"), Some("it's".to_owned())),
    ]
}

#[test]
fn rows_that_differ_are_looked_at_and_repaired_by_their_keys() {
    let keys = [NumberedKey { number: 3, values: vec!["it's 7".to_owned()] }];
    let condition = stamp(TimestampKind::Timestamptz).without_timestamp();
    let hashes = ColumnQuery { keys: &keys, condition: Some(&condition), values: false };
    let all = ColumnQuery { keys: &keys, condition: None, values: true };
    let generated = vec![column("twice", "bigint", HashMethod::Integer)];
    let made = TableMapping { generated, ..item() };
    let changed: Values = values().into_iter().filter(|(name, _)| name.as_str() != "id").collect();
    let computed: Values = values().into_iter().skip(3).collect();
    assert!(made.update_row(&keys[0], &computed).is_none(), "nothing can be set");
    expect(
        include_str!("compared.sql"),
        &[
            ("hashes of columns", made.compared_columns(Source, &hashes)),
            ("hashes and values of columns", made.compared_columns(Target, &all)),
            ("insert without a generated column", made.insert_row(&values())),
            ("update", made.update_row(&keys[0], &changed).expect("a column that travels")),
            ("delete", item().delete_row(&keys[0])),
        ],
    );
}

#[test]
fn what_a_run_has_read_ends_at_its_watermark_without_the_overlap() {
    let (horizon, kinds) = (horizon(), [TimestampKind::Timestamptz, TimestampKind::Date]);
    let [zoned, date] = kinds.map(stamp);
    let asked = Horizon { overlap: Some(Duration::from_secs(5)), ..horizon.clone() };
    let watermark = "2024-12-13 15:25:30.5";
    let last = LastRead { timestamp: &zoned, watermark, horizon: &horizon };
    let of_asked = LastRead { horizon: &asked, ..last };
    let of_dates = LastRead { timestamp: &date, ..last };
    expect(
        include_str!("last_read.sql"),
        &[
            ("later", last.later(false)),
            ("later or at that moment", of_asked.later(true)),
            ("later than a day", of_dates.later(false)),
            ("read", last.is_there(&item())),
        ],
    );
}
