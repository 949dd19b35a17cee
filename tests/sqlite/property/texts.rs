//! Real numbers as text. pgsync writes them for a column of text as PostgreSQL 12 and later print them, whatever the
//! target: older servers print digits of no meaning.

use std::collections::BTreeMap;

use crate::support::Pair;

/// The text of each number, by its bits.
pub struct Texts(BTreeMap<u64, String>);

impl Texts {
    /// As that one of both servers prints them that is new enough.
    pub async fn of(db: &Pair, numbers: &[f64]) -> Self {
        let version = "select current_setting('server_version_num')::int >= 120000";
        let is_source = db.source_value(version).await == "t";
        let is_target = db.target_value(version).await == "t";
        assert!(is_source || is_target, "one of the servers has to be PostgreSQL 12 or later");
        let written: Vec<String> = numbers.iter().map(|number| format!("'{number:e}'")).collect();
        let asked = format!(
            "select string_agg(number::text, ' ' order by place) \
             from unnest(array[{}]::float8[]) with ordinality each(number, place)",
            written.join(", ")
        );
        let printed = match numbers {
            [] => String::new(),
            _ if is_target => db.target_value(&asked).await,
            _ => db.source_value(&asked).await,
        };
        let printed = printed.split_whitespace().map(str::to_owned);
        Self(numbers.iter().map(|number| number.to_bits()).zip(printed).collect())
    }

    pub fn text(&self, number: f64) -> &str {
        &self.0[&number.to_bits()]
    }
}
