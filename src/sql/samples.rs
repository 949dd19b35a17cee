//! What a sample of a table's values looks like: counts by pattern, made on the server. No value is in the answer.

use super::{Literal, Sql, sql};
use crate::table::Table;

/// Rows of a sample.
const ROWS: u32 = 1_000;

/// What a value can look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    Email,
    Phone,
    Card,
    Iban,
    Ip,
    /// More than 40 characters with several blanks.
    LongText,
}

impl Look {
    /// In the order of the counts in an answer.
    pub const ALL: [Look; 6] =
        [Look::Email, Look::Phone, Look::Card, Look::Iban, Look::Ip, Look::LongText];

    fn pattern(self) -> &'static str {
        match self {
            Look::Email => r"^[^@[:space:]]+@[^@[:space:]]+\.[[:alpha:]]{2,}$",
            // Digits alone may be any number.
            Look::Phone => {
                r"^(?=.*[0-9].*[0-9].*[0-9].*[0-9].*[0-9].*[0-9])(?![0-9]{4}-[0-9]{2}-[0-9]{2}$)(?![0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}$)(\+[0-9 ()./-]{6,20}|0[0-9]{1,5}[ /()-][0-9 ()./-]{4,16}|\(?[0-9]{2,5}\)?[ -][0-9]{3,4}[ -][0-9]{2,7}([ -][0-9]{2,4})?)$"
            }
            Look::Card => r"^[0-9]{4}([ -]?[0-9]){9,15}$",
            // The shortest have 15 characters.
            Look::Iban => {
                r"^[A-Z]{2}[0-9]{2}(( ?[A-Z0-9]{4}){2} ?[A-Z0-9]{3}|( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,3})?)$"
            }
            Look::Ip => {
                r"^([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7})(/[0-9]{1,3})?$"
            }
            Look::LongText => r"^(?=.{41})[^ ]* [^ ]+ [^ ]+ [^ ]+ .*$",
        }
    }
}

/// For each column of the table how many values there are that are not empty, then how many have each look.
pub fn of(table: &Table) -> Sql {
    let values = table.columns.iter().enumerate().map(|(number, column)| {
        sql!(
            "case when pg_catalog.btrim({column}::pg_catalog.text) operator(pg_catalog.<>) '' \
             then pg_catalog.btrim({column}::pg_catalog.text) end as c{number}",
            column = column.name,
            number = number
        )
    });
    let counts = table.columns.iter().enumerate().flat_map(|(number, _)| {
        let value = sql!("s.c{number}", number = number);
        let all = sql!("pg_catalog.count({value})", value = value);
        let looks = Look::ALL.into_iter().map(move |look| counted(look, &value));
        std::iter::once(all).chain(looks)
    });
    sql!(
        "select {counts} from (select {values} from {table} limit {rows}) s",
        counts = Sql::join(counts, ", "),
        values = Sql::join(values, ", "),
        table = table.name,
        rows = ROWS,
    )
}

fn counted(look: Look, value: &Sql) -> Sql {
    let fits = sql!(
        "{value} operator(pg_catalog.~) {pattern}",
        value = value,
        pattern = Literal(look.pattern())
    );
    let fits = match look {
        // A case looks at the digits only where there are some.
        Look::Card => sql!("case when {fits} then {luhn} end", fits = fits, luhn = luhn(value)),
        _ => fits,
    };
    sql!("pg_catalog.count(*) filter (where {fits})", fits = fits)
}

/// Whether the check digit of a card's number is right: from the right, every second digit counts double.
fn luhn(value: &Sql) -> Sql {
    sql!(
        "(select pg_catalog.sum(case when n operator(pg_catalog.%) 2 operator(pg_catalog.=) 1 then d \
         when d operator(pg_catalog.>) 4 then 2 operator(pg_catalog.*) d operator(pg_catalog.-) 9 \
         else 2 operator(pg_catalog.*) d end) operator(pg_catalog.%) 10 operator(pg_catalog.=) 0 \
         from (select r.n, r.d::pg_catalog.int4 as d from pg_catalog.unnest(pg_catalog.string_to_array( \
         pg_catalog.reverse(pg_catalog.regexp_replace({value}, '[^0-9]', '', 'g')), null)) \
         with ordinality r (d, n)) digits)",
        value = value
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_in_the_answer() {
        let table: Table = serde_json::from_value(serde_json::json!({
            "oid": 1, "schema": "app", "name": "user", "partitioned": false, "partition_tree": false,
            "hypertables": false, "inherited_by": [], "rows": 1.0, "bytes": 1, "pages": 1, "storage": "",
            "columns": [], "keys": [], "uniques": [], "sequences": [], "triggers": [], "rules": [],
            "owned": true, "row_security": false, "subscribed": false, "missing_privileges": []
        }))
        .unwrap();
        let statement = of(&table);
        assert_eq!(statement.as_str(), "select  from (select  from \"app\".\"user\" limit 1000) s");
        let value = sql!("s.c0");
        assert_eq!(
            counted(Look::Email, &value).as_str(),
            r"pg_catalog.count(*) filter (where s.c0 operator(pg_catalog.~) '^[^@[:space:]]+@[^@[:space:]]+\.[[:alpha:]]{2,}$')"
        );
    }
}
