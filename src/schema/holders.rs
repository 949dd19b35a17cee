//! The statements that are told for a column of another type: the target refuses them as long as something holds the column.

use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::pg::holders::{HeldColumn, Holder, ReferringKey};
use crate::table::Table;

/// What is said of a table of the source.
pub(crate) struct Told<'e> {
    pub table: &'e TableName,
    pub text: &'e mut String,
}

impl<'e> Told<'e> {
    /// What is said by the error of a table that cannot be brought in sync as it is.
    pub fn by(table: &'e TableName, error: &'e mut Error) -> Option<Self> {
        match error {
            Error::Blocked(text) => Some(Self { table, text }),
            _ => None,
        }
    }
}

impl RunContext<'_> {
    /// Adds to what is said of tables what holds the columns that are to get another type.
    pub(crate) async fn name_holders<'e>(
        &self,
        told: impl Iterator<Item = Told<'e>>,
        catalogs: &Catalogs,
    ) -> Result<()> {
        let of = |name: &TableName| {
            let name = self.settings.target_name_of(name);
            catalogs.target.tables.iter().find(|table| table.name == name)
        };
        let has_change = |one: &Told<'_>| one.text.contains(" alter column ");
        let told: Vec<Told<'e>> = told.filter(has_change).collect();
        let tables: Vec<&Table> = told.iter().filter_map(|one| of(one.table)).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        let held = self.target.control.held_columns(&oids).await?;
        for Told { table, text } in told {
            let Some(table) = of(table) else { continue };
            for one in held.iter().filter(|one| one.table == table.oid) {
                *text = told_with(text, &table.name, one);
            }
        }
        Ok(())
    }
}

/// What is said of a table, with one thing that holds a column of it.
fn told_with(text: &str, table: &TableName, held: &HeldColumn) -> String {
    let own = format!("run on the target: alter table {} ", table.typed());
    let change = format!("alter column {} type ", held.column.typed());
    // A default goes before the type changes.
    let starts = text.match_indices(&own).map(|(start, _)| start);
    let end_of = |start: usize| text[start..].find("; ").map_or(text.len(), |end| start + end);
    let mut parts = starts.map(|start| start..end_of(start));
    let Some(part) = parts.find(|part| text[part.clone()].contains(&change)) else {
        return text.to_owned();
    };
    let statement = &text[part.start..part.end];
    let instead = match &held.holder {
        Holder::View(view) => format!(
            "{statement} (view {view} uses the column: keep its definition, as pg_get_viewdef prints it, drop the view \
             before, and create it again afterwards)"
        ),
        Holder::Generated(column) => {
            let drop = format!("{own}drop column {}, ", column.typed());
            let rest = statement.strip_prefix(&own).unwrap_or_default();
            format!("{drop}{rest} (the next run creates column \"{}\" again)", column.as_str())
        }
        Holder::PartitionKey(_) => format!(
            "drop the table on the target, for the column is in its partition key, and the next run creates it: drop \
             table {}",
            table.typed()
        ),
        Holder::Parent(parent) => format!(
            "run on the target what is told for {parent}, from which the column is inherited"
        ),
        Holder::ForeignKey(ReferringKey { table, name }) => format!(
            "{statement} (if rows of {table} refer to rows that are still missing, run before: alter table {} drop \
             constraint {}, which a run creates again)",
            table.typed(),
            name.typed()
        ),
    };
    format!("{}{instead}{}", &text[..part.start], &text[part.end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Ident;

    #[test]
    fn a_statement_is_told_with_what_holds_its_column() {
        let name = |name: &str| TableName { schema: Ident::new("public"), name: Ident::new(name) };
        let table = name("item");
        let text = "column \"x\" is bigint: use -ddl reset, or run on the target: alter table public.item alter column x type bigint; \
                    column \"y\" is text: run on the target: alter table public.item alter column y type text";
        let told = |holder| {
            let held = HeldColumn { table: 0, column: Ident::new("x"), holder };
            let told = told_with(text, &table, &held);
            let told =
                told.strip_prefix("column \"x\" is bigint: use -ddl reset, or ").map(str::to_owned);
            let end = "; column \"y\" is text: run on the target: alter table public.item alter column y type text";
            told.and_then(|told| Some(told.strip_suffix(end)?.to_owned())).unwrap_or_default()
        };
        assert_eq!(
            told(Holder::Generated(Ident::new("g"))),
            "run on the target: alter table public.item drop column g, alter column x type bigint (the next run creates column \"g\" again)"
        );
        assert_eq!(
            told(Holder::Parent(name("top"))),
            "run on the target what is told for public.top, from which the column is inherited"
        );
        assert!(
            told(Holder::View(name("v")))
                .contains("alter column x type bigint (view public.v uses")
        );
        assert!(told(Holder::PartitionKey(String::new())).ends_with("drop table public.item"));
    }
}
