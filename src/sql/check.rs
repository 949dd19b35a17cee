//! Check constraints evaluated over rows that are in no table yet: what would be refused is known before.

use serde::Deserialize;

use crate::ident::Ident;
use crate::schema_object::text::Expression;
use crate::sql::Sql;
use crate::sql::statement::{Statement, statement};
use crate::sql::user_expression::{Calls, UserExpression};

/// One constraint of a table.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Check {
    /// The number of the table.
    pub table: u32,
    pub name: Ident,
    pub expression: Expression,
    /// The columns that it is about; none where it is about the row as a whole.
    pub columns: Vec<Ident>,
}

/// What [`Check::count_breaches`] has counted: rows that break the constraint, and all.
pub const BREACHES: &str = "select pg_catalog.split_part(pg_catalog.current_setting('pgsync.breaches'), '/', 1), \
     pg_catalog.split_part(pg_catalog.current_setting('pgsync.breaches'), '/', 2)";

impl Check {
    /// Counts the rows that break the constraint. A statement with a server's text gives no rows, so the counts
    /// go into a setting of the transaction.
    pub fn count_breaches(&self, rows: &Sql) -> Statement {
        statement!(
            "select pg_catalog.set_config('pgsync.breaches', pg_catalog.concat(pg_catalog.count(*) filter (where not \
             {expression}), '/', pg_catalog.count(*)), true) from {rows}",
            expression = self.expression,
            rows = rows
        )
    }
}

impl Check {
    /// Whether it is the same condition on the same columns.
    pub fn says_the_same(&self, other: &Check) -> bool {
        self.expression == other.expression && self.columns == other.columns
    }

    /// Whether nothing but functions and operators of the system that look at their arguments are called: what the
    /// owner of a table wrote is not run with the rights of whoever reads it. The expression is one that was
    /// printed for an empty search path, where everything else has its schema.
    pub fn is_plain(&self) -> bool {
        let Ok(expression) = UserExpression::parse(self.expression.as_str()) else { return false };
        let Calls { functions, schemas } = expression.calls();
        schemas.is_empty() && functions.iter().all(|name| PLAIN.contains(&name.as_str()))
    }
}

/// Functions, and words that stand before a parenthesis.
const PLAIN: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array_length",
    "ascii",
    "between",
    "bit",
    "btrim",
    "cardinality",
    "case",
    "ceil",
    "ceiling",
    "char_length",
    "character",
    "character_length",
    "coalesce",
    "date_part",
    "else",
    "extract",
    "floor",
    "greatest",
    "in",
    "initcap",
    "is",
    "isfinite",
    "jsonb_typeof",
    "json_typeof",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "mod",
    "not",
    "nullif",
    "num_nonnulls",
    "num_nulls",
    "numeric",
    "octet_length",
    "or",
    "position",
    "regexp_replace",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "scale",
    "sign",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "substring",
    "then",
    "time",
    "timestamp",
    "trim",
    "trunc",
    "upper",
    "varying",
    "when",
];

/// What such counts mean, in words that follow the name of a constraint.
pub fn told(broken: u64, all: u64) -> Option<String> {
    (broken > 0).then(|| format!("does not hold for {broken} of {all} masked rows that were tried"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Check {
        let expression = Expression::try_from(expression.to_owned()).expect("an expression");
        Check { table: 1, name: Ident::new("c"), expression, columns: Vec::new() }
    }

    #[test]
    fn what_an_owner_wrote_is_run_only_where_it_is_plain() {
        let cases = [
            ("((length(note) > 3) AND (note <> ''::text))", true),
            (
                "((kind)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                true,
            ),
            ("(note ~ '^[a-z]+$'::text)", true),
            ("((price)::numeric(10,2) >= (0)::numeric)", true),
            ("app.is_fine(note)", false),
            ("(note OPERATOR(app.=) 'x'::text)", false),
            ("((note)::app.word IS NOT NULL)", false),
            ("(query_to_xml(note, true, true, ''::text) IS NOT NULL)", false),
        ];
        for (text, expected) in cases {
            assert_eq!(check(text).is_plain(), expected, "{text}");
        }
    }

    #[test]
    fn breaches_are_counted_in_one_statement() {
        let statement = check("(a > 0)").count_breaches(&Sql::trusted("t"));
        assert_eq!(
            statement.as_str(),
            "select pg_catalog.set_config('pgsync.breaches', pg_catalog.concat(pg_catalog.count(*) filter (where not \
             ((a > 0))), '/', pg_catalog.count(*)), true) from t"
        );
    }
}
