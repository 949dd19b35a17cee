//! Has the target say which expressions of both sides mean the same: it reads them, and prints what it
//! has read, in a transaction that is rolled back.

use crate::context::RunContext;
use crate::error::Result;
use crate::ident::Ident;
use crate::pg::Session;
use crate::pg::definitions::search_path;
use crate::schema::diff::DiffInput;
use crate::schema::diff::reword::{Answer, Differing, Pair, is_same, read, reworded, temporary};
use crate::schema_object::{Definitions, Object};
use crate::sql::statement::Statement;
use crate::sql::{Literal, Sql, sql};

const DOING: &str = "comparing expressions";

impl RunContext<'_> {
    /// The definitions of the source, with those texts as the target has them that mean the same.
    pub(super) async fn reworded(
        &self,
        input: &DiffInput<'_>,
        path: &[Ident],
    ) -> Result<Option<Definitions>> {
        let mut pairs = input.differing();
        if pairs.is_empty() {
            return Ok(None);
        }
        pairs.sort_by(|one, other| one.table.id.cmp(&other.table.id));
        let mut session = self.target.session().await?;
        let mut answers = Vec::new();
        for group in pairs.chunk_by(|one, other| one.table.id == other.table.id) {
            answers.extend(answers_of(&session, path, group).await?);
        }
        session.set_clean(true);
        let mut source = input.source.clone();
        reworded(&mut source, answers);
        Ok(Some(source))
    }
}

/// What the target says of pairs of one table.
async fn answers_of(session: &Session, path: &[Ident], pairs: &[Pair<'_>]) -> Result<Vec<Answer>> {
    let Some(first) = pairs.first() else { return Ok(Vec::new()) };
    let texts: Vec<&Differing> = pairs.iter().flat_map(|pair| &pair.texts).collect();
    let same = match are_same(session, path, first, &texts).await? {
        Some(same) => same,
        // One of them calls what the target does not have, say.
        None => {
            let mut same = Vec::new();
            for text in &texts {
                let alone = are_same(session, path, first, &[text]).await?;
                same.extend(alone.unwrap_or_else(|| vec![false]));
            }
            same
        }
    };
    let mut same = same.as_slice();
    let mut answers = Vec::new();
    for pair in pairs {
        let (own, others) = same.split_at(pair.texts.len());
        answers.extend(pair.answered(own));
        same = others;
    }
    Ok(answers)
}

/// Of each text of the pair's table whether both mean the same; none if the target cannot read them.
async fn are_same(
    session: &Session,
    path: &[Ident],
    pair: &Pair<'_>,
    texts: &[&Differing],
) -> Result<Option<Vec<bool>>> {
    let before = [Sql::trusted("begin"), search_path(path)].into_iter().map(Statement::from);
    let statements: Vec<Statement> = before.chain(read(pair, texts)).collect();
    let printed = match session.run_each(DOING, &statements).await {
        Ok(()) => session.rows(DOING, &printed(pair.table)).await,
        Err(error) => Err(error),
    };
    session.run(DOING, &Sql::trusted("rollback")).await?;
    let rows = match printed {
        Err(error) if error.is_transient() => return Err(error),
        Err(_) => return Ok(None),
        Ok(rows) => rows,
    };
    let text = |side: &str, place: usize| {
        let name = format!("{side}{place}");
        rows.iter().find(|row| row.text(0) == Some(&name)).and_then(|row| row.text(1))
    };
    let answer = |(place, differing): (usize, &&Differing)| {
        let both = text("h", place).zip(text("t", place));
        both.is_some_and(|(here, there)| is_same(differing, here, there))
    };
    Ok(Some(texts.iter().enumerate().map(answer).collect()))
}

fn printed(table: &Object) -> Sql {
    sql!(
        "select k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid) from pg_catalog.pg_constraint k \
         where k.conrelid operator(pg_catalog.=) {table}::pg_catalog.regclass",
        table = Literal(&temporary(table).quoted())
    )
}
