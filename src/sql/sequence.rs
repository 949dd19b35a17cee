//! The statement that moves the target's sequences beyond the source's and beyond the rows.

use crate::error::Side;
use crate::ident::TableName;
use crate::sql::mapping::{OwnedSequence, TableMapping};
use crate::sql::{Literal, Sql, sql};

/// Moves a sequence to the number that another one gave last, if it has not got that far, or has given none.
pub fn follow(sequence: &TableName, last: i64) -> Sql {
    let last = last.to_string();
    sql!(
        "select pg_catalog.setval({name}::pg_catalog.regclass, w.last) from (select {last}::pg_catalog.int8) w(last) \
         cross join {sequence} q join pg_catalog.pg_sequence p on p.seqrelid operator(pg_catalog.=) {name}::pg_catalog.regclass \
         where w.last operator(pg_catalog.>=) p.seqmin and w.last operator(pg_catalog.<=) p.seqmax \
         and (case when p.seqincrement operator(pg_catalog.>) 0 then q.last_value operator(pg_catalog.<) w.last \
         else q.last_value operator(pg_catalog.>) w.last end \
         or q.last_value operator(pg_catalog.=) any (array[w.last, p.seqstart]) and not q.is_called)",
        name = Literal(&sequence.quoted()),
        last = Literal(&last),
        sequence = sequence,
    )
}

impl TableMapping {
    /// Moves a sequence forward if it stands behind, to a number of its own series: one that counts
    /// the odd numbers goes on with odd ones. Never backwards. `rows` says whether the greatest value
    /// of the column is looked up, among those that the sequence can reach.
    pub fn raise(&self, owned: &OwnedSequence, rows: bool) -> Sql {
        let sequence = &owned.sequence;
        let up = sequence.increment > 0;
        let (first, last) = if up { ("least", "greatest") } else { ("greatest", "least") };
        let (within, aggregate, bound) =
            if up { ("<=", "max", sequence.greatest) } else { (">=", "min", sequence.least) };
        let furthest = sql!(
            "(select pg_catalog.{aggregate}(t.{column})::pg_catalog.numeric from {from} \
             where t.{column} operator(pg_catalog.{within}) {bound})",
            aggregate = Sql::trusted(aggregate),
            column = sequence.column,
            from = self.from(Side::Target),
            within = Sql::trusted(within),
            bound = bound,
        );
        let source = owned.source_last.map(|last| last.to_string());
        sql!(
            "select pg_catalog.setval({name}::pg_catalog.regclass, {first}(w.wanted operator(pg_catalog.+) \
             pg_catalog.mod(pg_catalog.mod({start} operator(pg_catalog.-) w.wanted, {step}) \
             operator(pg_catalog.+) {step}, {step}), {bound})::pg_catalog.int8) \
             from (select {last}({source}::pg_catalog.numeric, {furthest}) as wanted) w cross join {sequence} q \
             where w.wanted operator(pg_catalog.{beyond}) (q.last_value::pg_catalog.numeric operator(pg_catalog.+) \
             case when q.is_called then {step} else 0 end)",
            name = Literal(&sequence.name.quoted()),
            first = Sql::trusted(first),
            start = sql!("({n}::pg_catalog.numeric)", n = sequence.start),
            step = sql!("({n}::pg_catalog.numeric)", n = sequence.increment),
            bound = bound,
            last = Sql::trusted(last),
            source = source.as_deref().map(Literal),
            furthest = if rows { furthest } else { Sql::trusted("null::pg_catalog.numeric") },
            sequence = sequence.name,
            beyond = Sql::trusted(if up { ">=" } else { "<=" }),
        )
    }
}
