//! Masks tried on some rows of a table of the source, in one statement. Only counts come back, and of what an
//! expression of a user gives a digest.

use super::MaskedColumn;
use crate::rules::Mask;
use crate::sql::mapping::Relation;
use crate::sql::user_expression::PinnedExpression;
use crate::sql::{Sql, sql};

/// Rows that are looked at before masks are relied on.
pub const SAMPLED: u32 = 1_000;

/// One mask of a column, and what it is as SQL.
#[derive(Clone, Copy, Debug)]
pub struct MaskTrial<'a> {
    pub column: MaskedColumn<'a>,
    pub mask: &'a Mask,
    pub masked: &'a Sql,
}

/// Some of the rows that travel of one table.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    pub relation: &'a Relation,
    pub filter: Option<&'a PinnedExpression>,
}

impl Sample<'_> {
    /// Two looks at it show the same rows.
    pub const SETTINGS: &'static str =
        "set local synchronize_seqscans = off; set local max_parallel_workers_per_gather = 0";

    /// For each mask three columns: of how many values it is able to change, how many come out as they are,
    /// and a digest of all that it gives, where it is an expression of a user. Nothing but the columns that
    /// masks name is read: a role may have no right to others.
    pub fn trial(&self, trials: &[MaskTrial<'_>]) -> Sql {
        let judged = trials.iter().enumerate().map(|(number, trial)| {
            let value = trial.column.value();
            let (able, same) = match trial.column.judge(trial.mask, trial.masked) {
                Some(judge) => (judge.able, judge.same),
                None => (Sql::trusted("false"), Sql::trusted("false")),
            };
            sql!(
                "{value} is not null and {able} as a{number}, {value} is not null and {able} and {same} as s{number}, \
                 {shown} as d{number}",
                value = value,
                able = able,
                same = same,
                shown = trial.shown(),
                number = number
            )
        });
        let counts = trials.iter().enumerate().map(|(number, trial)| {
            sql!(
                "pg_catalog.count(*) filter (where s.a{number}), pg_catalog.count(*) filter (where s.s{number}), \
                 {digest}",
                number = number,
                digest = trial.digest(number)
            )
        });
        sql!(
            "select {counts} from (select {judged} from {rows}{filter} limit {sampled}) s",
            counts = Sql::join(counts, ", "),
            judged = Sql::join(judged, ", "),
            rows = self.relation.rows(),
            filter = match self.filter {
                Some(filter) => sql!(" where {filter}", filter = filter),
                None => Sql::trusted(""),
            },
            sampled = SAMPLED,
        )
    }
}

impl MaskTrial<'_> {
    /// A ready-made mask is evaluated, too: an error of it is to be known.
    fn shown(&self) -> Sql {
        match self.mask {
            Mask::Sql(_) => {
                sql!("pg_catalog.md5(pg_catalog.concat({masked}))", masked = self.masked)
            }
            _ => sql!("{masked} is null", masked = self.masked),
        }
    }

    fn digest(&self, number: usize) -> Sql {
        match self.mask {
            Mask::Sql(_) => sql!(
                "pg_catalog.md5(pg_catalog.string_agg(s.d{number}, '' order by s.d{number} collate pg_catalog.\"C\"))",
                number = number
            ),
            _ => sql!("pg_catalog.count(s.d{number})", number = number),
        }
    }
}

/// Has the server read a mask, and evaluate it for no row.
pub fn trial_without_rows(relation: &Relation, masked: &Sql) -> Sql {
    sql!("select {masked} from {rows} limit 0", masked = masked, rows = relation.rows())
}
