//! Views of the target that are in the way: what they are called, and the commands that save, drop and restore them.
//! Lists are in the order in which views can be dropped.

use serde::Deserialize;

use crate::ident::{TableName, as_argument};

/// A view that reads a table, perhaps by way of other views.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct View {
    #[serde(flatten)]
    pub name: TableName,
    pub materialized: bool,
}

impl View {
    fn noun(&self) -> &'static str {
        if self.materialized { "materialized view" } else { "view" }
    }

    /// `view public.a`
    pub fn title(&self) -> String {
        format!("{} {}", self.noun(), self.name.typed())
    }

    /// The statement that drops it.
    pub fn drop(&self) -> String {
        format!("drop {}", self.title())
    }

    /// The same where another statement may have dropped it by then.
    pub fn drop_if_exists(&self) -> String {
        format!("drop {} if exists {}", self.noun(), self.name.typed())
    }
}

/// `view public.a, materialized view public.b and view public.c`
pub fn named(views: &[View]) -> String {
    let names: Vec<String> = views.iter().map(View::title).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// The statements that drop them, in one line.
pub fn drops(views: &[View]) -> String {
    views.iter().map(View::drop).collect::<Vec<_>>().join("; ")
}

/// The file for the views on a table, as a shell takes it: those on other tables have files of their own.
fn file(table: &TableName) -> String {
    let schema = Some(table.schema.as_str()).filter(|schema| *schema != "public");
    let names = ["views"].into_iter().chain(schema).chain([table.name.as_str()]);
    let name = names.collect::<Vec<_>>().join("-").replace('/', "_");
    as_argument(&[&format!("{name}.sql")])
}

/// `save it with its grants (pg_dump -s -t public.a -f views-item.sql)`. `what` is their name in the sentence: `it`, `view public.a, which …`;
/// `table` is the one for which they have to go.
pub fn save(views: &[View], what: &str, table: &TableName) -> String {
    let named: String =
        views.iter().map(|view| format!("-t {} ", as_argument(&[&view.name.typed()]))).collect();
    let their = if views.len() == 1 { "its" } else { "their" };
    let has_indexes = views.iter().any(|view| view.materialized);
    let parts = if has_indexes { "grants and indexes" } else { "grants" };
    format!("save {what} with {their} {parts} (pg_dump -s {named}-f {})", file(table))
}

/// `restore it: psql -f views-item.sql`
pub fn restore(views: &[View], table: &TableName) -> String {
    let them = if views.len() == 1 { "it" } else { "them" };
    let filled = views.iter().rev().filter(|view| view.materialized);
    let refresh = filled.map(|view| {
        let statement = format!("refresh materialized view {}", view.name.typed());
        format!(" -c {}", as_argument(&[&statement]))
    });
    format!("restore {them}: psql -f {}{}", file(table), refresh.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, materialized: bool) -> View {
        View { name: TableName::new("public", name), materialized }
    }

    #[test]
    fn a_view_is_saved_and_restored_by_what_can_be_pasted() {
        let one = [view("a", false)];
        let table = TableName::new("public", "item");
        assert_eq!(named(&one), "view public.a");
        assert_eq!(
            save(&one, "it", &table),
            "save it with its grants (pg_dump -s -t public.a -f views-item.sql)"
        );
        assert_eq!(restore(&one, &table), "restore it: psql -f views-item.sql");
        let three = [view("a", false), view("M", true), view("n", true)];
        assert_eq!(
            named(&three),
            "view public.a, materialized view public.\"M\" and materialized view public.n"
        );
        assert_eq!(
            drops(&three),
            "drop view public.a; drop materialized view public.\"M\"; drop materialized view public.n"
        );
        assert_eq!(
            save(&three, "them", &table),
            "save them with their grants and indexes (pg_dump -s -t public.a -t 'public.\"M\"' -t public.n -f views-item.sql)"
        );
        assert_eq!(
            restore(&three, &table),
            "restore them: psql -f views-item.sql -c 'refresh materialized view public.n' -c 'refresh materialized view public.\"M\"'"
        );
        assert_eq!(file(&TableName::new("crm", "a/b c")), "'views-crm-a_b c.sql'");
    }
}
