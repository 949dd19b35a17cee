//! The statements that are told for a column of another type, or for one that only the target has: the target refuses them as
//! long as something holds the column.

use std::collections::{BTreeMap, HashMap};

use crate::config::Ddl;
use crate::context::{Catalogs, RunContext};
use crate::ddl_step::pasted_under;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg::holders::{HeldColumn, Holder, HoldingKey, OwnCheck};
use crate::plan::dropping;
use crate::plan::misfit::COMES_BACK;
use crate::schema::diff::SchemaPlan;
use crate::schema_object::text::Name;
use crate::schema_object::view::{self, View};
use crate::sql::statement::Statement;
use crate::sync_log::store;
use crate::table::Table;

/// What is said of a table of the source.
pub(crate) struct Told<'e> {
    pub table: &'e TableName,
    pub text: &'e mut String,
    /// Whether the table fails over it: rows may be missing to which others refer.
    pub fails: bool,
}

impl<'e> Told<'e> {
    /// What is said by the error of a table that cannot be brought in sync as it is.
    pub fn by(table: &'e TableName, error: &'e mut Error) -> Option<Self> {
        match error {
            Error::Blocked(text) => Some(Self { table, text, fails: true }),
            _ => None,
        }
    }

    /// What is said in a note.
    pub fn in_note(table: &'e TableName, text: &'e mut String) -> Self {
        Self { table, text, fails: false }
    }

    fn changes_a_column(&self) -> bool {
        let changes = [" alter column ", " drop column ", " alter attribute ", " drop attribute "];
        changes.iter().any(|change| self.text.contains(change))
    }
}

impl RunContext<'_> {
    /// Adds to what is said of tables what holds the columns that are to get another type, or to go.
    pub(crate) async fn name_holders<'e>(
        &self,
        told: impl Iterator<Item = Told<'e>>,
        catalogs: &Catalogs,
    ) -> Result<()> {
        let told: Vec<Told<'e>> = told.filter(Told::changes_a_column).collect();
        let tables = told.iter().filter_map(|one| self.on_target(one.table, catalogs));
        let tables: Vec<&Table> = tables.collect();
        let held = self.column_holders(&tables).await?;
        for Told { table, text, fails } in told {
            let makes = self.settings.ddl_of(table) != Ddl::None;
            let Some(table) = self.on_target(table, catalogs) else { continue };
            let own: Vec<&HeldColumn> = held.iter().filter(|one| one.table == table.oid).collect();
            let keys = own.iter().filter_map(|held| dropped_key(text, table.into(), held));
            let mut dropped: Vec<&HoldingKey> = keys.filter(|_| fails).collect();
            // A key of several columns holds each of them.
            dropped.sort_by(|one, other| (&one.table, &one.name).cmp(&(&other.table, &other.name)));
            dropped.dedup();
            *text = told_with_all(text, table.into(), &own, fails);
            let is_known = |key: &HoldingKey| {
                let named = |name| self.settings.target_name_of(name);
                let mut keys = catalogs.source.foreign_keys.iter();
                keys.any(|own| named(&own.child) == key.table && named(&own.parent) == table.name)
            };
            *text += &self.created_again(&dropped, |key| makes && is_known(key)).await?;
        }
        Ok(())
    }

    /// The same for all that `pgsync schema` says.
    pub(super) async fn name_holders_in_listing(
        &self,
        fatal: &mut [(TableName, Error)],
        schema_plan: &mut SchemaPlan,
        catalogs: &Catalogs,
    ) -> Result<()> {
        let told = fatal.iter_mut().filter_map(|(table, error)| Told::by(table, error));
        let notes = schema_plan.left_out.iter_mut();
        let notes = notes.map(|(table, text)| Told::in_note(table, text));
        self.name_holders(told.chain(notes), catalogs).await
    }

    /// The same for what a run says of differences.
    pub(super) async fn name_holders_in_notes(
        &self,
        schema_plan: &mut SchemaPlan,
        catalogs: &Catalogs,
    ) -> Result<()> {
        let notes = schema_plan.differs.iter_mut();
        let notes = notes.map(|one| Told::in_note(&one.table, &mut one.text));
        self.name_holders(notes, catalogs).await
    }

    /// Takes out what would give columns another type that something holds: the target would refuse it. Gives what is said
    /// of them, by table.
    pub(super) async fn leave_held(
        &self,
        schema_plan: &mut SchemaPlan,
        catalogs: &Catalogs,
    ) -> Result<BTreeMap<TableName, Vec<KeptType>>> {
        let kept = self.kept_types(schema_plan, catalogs).await?;
        schema_plan.first.retain(|step| {
            let pair = step.roots.first().zip(step.growth.as_ref());
            !pair.is_some_and(|(root, growth)| {
                kept.get(root).is_some_and(|kept| kept.iter().any(|k| k.column == growth.column))
            })
        });
        Ok(kept)
    }

    /// By table: the columns that would get another type in place, and that something holds.
    pub(super) async fn kept_types(
        &self,
        schema_plan: &SchemaPlan,
        catalogs: &Catalogs,
    ) -> Result<BTreeMap<TableName, Vec<KeptType>>> {
        let roots = schema_plan.first.iter().filter(|step| step.growth.is_some());
        let roots = roots.filter_map(|step| step.roots.first());
        let tables: Vec<&Table> = roots.filter_map(|root| self.on_target(root, catalogs)).collect();
        let held = self.column_holders(&tables).await?;
        let mut kept: BTreeMap<TableName, Vec<KeptType>> = BTreeMap::new();
        for step in &schema_plan.first {
            let Some((root, growth)) = step.roots.first().zip(step.growth.as_ref()) else {
                continue;
            };
            let Some(table) = self.on_target(root, catalogs) else { continue };
            let statements = step.statements.iter().map(Statement::on_one_line);
            let statements = statements.collect::<Vec<_>>().join("; ");
            let bare = format!("run on the target: {}", pasted_under(&step.path, &statements));
            let own: Vec<&HeldColumn> = held.iter().filter(|one| one.table == table.oid).collect();
            let told = told_with_all(&bare, table.into(), &own, false);
            if told != bare {
                let text = format!("{}: {told}", growth.kept());
                let one = KeptType { column: growth.column.clone(), text };
                kept.entry(root.clone()).or_default().push(one);
            }
        }
        Ok(kept)
    }

    /// What holds columns of these tables of the target.
    pub(crate) async fn column_holders(&self, tables: &[&Table]) -> Result<Vec<HeldColumn>> {
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        self.target.control.held_columns(&oids).await
    }

    /// What is said of foreign keys that are to be dropped: who creates them again. Runs do so in tables that pgsync has
    /// created, for keys that `makes` knows.
    async fn created_again(
        &self,
        dropped: &[&HoldingKey],
        makes: impl Fn(&HoldingKey) -> bool,
    ) -> Result<String> {
        let tables = dropped.iter().filter(|key| makes(key)).map(|key| &key.table);
        let tables: Vec<&TableName> = tables.collect();
        let made = if !tables.is_empty() && store::exists(self.target, &self.sync_log).await? {
            store::created_tables(self.target, &self.sync_log, &tables).await?
        } else {
            HashMap::new()
        };
        Ok(created_again(dropped, |key| makes(key) && made.contains_key(&key.table)))
    }

    fn on_target<'c>(&self, name: &TableName, catalogs: &'c Catalogs) -> Option<&'c Table> {
        let name = self.settings.target_name_of(name);
        catalogs.target.tables.iter().find(|table| table.name == name)
    }
}

/// A column of the target that keeps its type, because something holds it.
#[derive(Clone, Debug)]
pub struct KeptType {
    pub column: Ident,
    /// What is said of it.
    pub text: String,
}

/// The views among what holds a table, each once, in the order in which they can be dropped.
pub(crate) fn views<'h>(holders: impl Iterator<Item = &'h Holder>) -> Vec<View> {
    once(holders.filter_map(|holder| match holder {
        Holder::View(view) => Some(view.clone()),
        _ => None,
    }))
}

/// The statements that drop a table with what `holders` has of it: views that read it, foreign keys of other tables.
pub(crate) fn drops_with<'h>(
    name: &TableName,
    holders: impl Iterator<Item = &'h Holder>,
) -> String {
    let holders: Vec<&Holder> = holders.collect();
    let key = |holder: &&Holder| match holder {
        Holder::ForeignKey(key) => Some(dropping::named_key(&key.table, &key.name)),
        _ => None,
    };
    // A key of several columns holds each of them.
    let keys = once(holders.iter().filter_map(key)).into_iter();
    dropping::whole(name, keys, &views(holders.iter().copied()))
}

/// Without repetitions, in the order in which they come first.
fn once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = Vec::new();
    for one in all {
        if !known.contains(&one) {
            known.push(one);
        }
    }
    known
}

/// What a statement does with a column.
#[derive(Clone, Copy, PartialEq)]
enum Deed {
    Retypes,
    Drops,
}

/// A table of which something is told.
#[derive(Clone, Copy)]
struct ToldTable<'t> {
    name: &'t TableName,
    /// The composite type that gives it its columns, as people write it.
    of_type: Option<&'t str>,
}

impl<'t> From<&'t Table> for ToldTable<'t> {
    fn from(table: &'t Table) -> Self {
        Self { name: &table.name, of_type: table.of_type.as_deref() }
    }
}

impl ToldTable<'_> {
    /// What statements begin with that change its columns, as they may be written.
    fn starts(self) -> Vec<String> {
        let TableName { schema, name } = self.name;
        let names =
            [self.name.typed(), format!("{}.{}", schema.quoted(), name.quoted()), name.quoted()];
        let tables = names.iter().flat_map(|name| [name.clone(), format!("only {name}")]);
        let mut starts: Vec<String> = tables.map(|name| format!("alter table {name} ")).collect();
        if let Some((schema, name)) =
            self.of_type.and_then(Name::parse).and_then(|of| Some((of.schema?, of.name)))
        {
            let of = TableName { schema, name };
            let names = [
                of.typed(),
                format!("{}.{}", of.schema.quoted(), of.name.quoted()),
                of.name.quoted(),
            ];
            starts.extend(names.iter().map(|name| format!("alter type {name} ")));
        }
        starts
    }
}

/// A statement in what is said of a table.
struct ToldStatement<'t> {
    /// With what leads to it.
    before: &'t str,
    /// `alter table public.item `
    own: &'t str,
    rest: &'t str,
    after: &'t str,
    deed: Deed,
}

impl<'t> ToldStatement<'t> {
    /// The first one that changes the column.
    fn find(text: &'t str, table: ToldTable<'_>, column: &Ident) -> Option<Self> {
        let starts = table.starts().into_iter().flat_map(|own| {
            let places: Vec<usize> = text.match_indices(&own).map(|(start, _)| start).collect();
            places.into_iter().map(move |start| start..start + own.len())
        });
        let mut all = starts.filter_map(|own| {
            let rest = &text[own.end..];
            let rest = &rest[..rest.find("; ").unwrap_or(rest.len())];
            let after = &text[own.end + rest.len()..];
            let deed = deed(rest, column)?;
            Some(Self { before: &text[..own.start], own: &text[own], rest, after, deed })
        });
        all.next()
    }

    /// The text with what is to be done before this statement; `drops` are statements that come before it, `then` is said
    /// after it.
    fn after_doing(&self, what: &str, drops: &str, then: &str) -> String {
        let Self { before, own, rest, after, .. } = self;
        let (head, lead) = before.split_at(lead_of(before));
        let (head, first) =
            head.strip_suffix("then ").map_or((head, "first "), |head| (head, "then "));
        // What holds the column keeps the table from being rebuilt, too.
        let head = head.strip_suffix("use -ddl reset, or ").unwrap_or(head);
        format!("{head}{first}{what}, then {lead}{drops}{own}{rest}{then}{after}")
    }

    /// The text with the views that use the column: they are saved, dropped, and restored.
    fn with_views(&self, views: &[View], table: &TableName) -> String {
        let named = format!("{}, which use{} the column,", view::named(views), s_of(views));
        let drops = format!("{}; ", view::drops(views));
        // A view may read a column that is there again only then.
        let comes_back = [self.before, self.rest].iter().any(|text| text.contains(COMES_BACK));
        let then = match (self.deed, views) {
            _ if comes_back => format!("after that run, {}", view::restore(views, table)),
            (Deed::Retypes, _) => format!("then {}", view::restore(views, table)),
            (Deed::Drops, [_]) => "then create it again without the column".to_owned(),
            (Deed::Drops, _) => "then create them again without the column".to_owned(),
        };
        self.after_doing(&view::save(views, &named, table), &drops, &format!(" ({then})"))
    }
}

/// What a part of ALTER TABLE does with a column: its type changes even where it is dropped and added.
fn deed(rest: &str, column: &Ident) -> Option<Deed> {
    [column.typed(), column.quoted()].iter().find_map(|name| {
        // A default goes before the type changes.
        let retypes = ["column", "attribute"].map(|what| format!("alter {what} {name} type "));
        if retypes.iter().any(|retype| rest.contains(retype)) {
            return Some(Deed::Retypes);
        }
        let adds = ["column", "attribute"].map(|what| format!("add {what} {name} "));
        let drops = ["column", "attribute"].map(|what| format!("drop {what} {name}"));
        let drops = drops.iter().any(|drop| {
            let mut ends = rest.match_indices(drop).map(|(start, _)| &rest[start + drop.len()..]);
            ends.any(|end| end.is_empty() || end.starts_with([',', ' ', ';']))
        });
        let comes_back = adds.iter().any(|add| rest.contains(add));
        drops.then_some(if comes_back { Deed::Retypes } else { Deed::Drops })
    })
}

/// The foreign key that holds a column, if it has to go before the column gets the type that is told.
fn dropped_key<'h>(
    text: &str,
    table: ToldTable<'_>,
    held: &'h HeldColumn,
) -> Option<&'h HoldingKey> {
    let told = ToldStatement::find(text, table, held.column.as_ref()?)?;
    match &held.holder {
        Holder::ForeignKey(key) | Holder::OwnKey(key) if told.deed == Deed::Retypes => Some(key),
        _ => None,
    }
}

/// What is said of a table, with all that holds columns of it. `fails`: see [`Told::fails`].
fn told_with_all(text: &str, table: ToldTable<'_>, own: &[&HeldColumn], fails: bool) -> String {
    let is_in_key = |held: &&HeldColumn| matches!(held.holder, Holder::PartitionKey(_));
    let told = own.iter().fold(text.to_owned(), |text, held| match &held.column {
        Some(column) if is_in_key(held) => without_table(&text, table, column, own),
        Some(column) => told_with(&text, table, column, held, fails),
        None => text,
    });
    with_views(told, table, own)
}

/// What is said of a column that no statement changes, because it is in the key by which the table is partitioned.
fn without_table(text: &str, table: ToldTable<'_>, column: &Ident, own: &[&HeldColumn]) -> String {
    let Some(told) = ToldStatement::find(text, table, column) else { return text.to_owned() };
    let head = &told.before[..lead_of(told.before)];
    let holders = || own.iter().map(|held| &held.holder);
    let views = views(holders());
    let (first, then) = if views.is_empty() {
        (String::new(), String::new())
    } else {
        let readers = format!("{}, which read{} the table,", view::named(&views), s_of(&views));
        let save = view::save(&views, &readers, table.name);
        (
            format!("first {save}, then "),
            format!(" (after that run, {})", view::restore(&views, table.name)),
        )
    };
    format!(
        "{head}{first}drop the table on the target, for the column is in its partition key, and the next run creates it: \
         {}{then}{}",
        drops_with(table.name, holders()),
        told.after
    )
}

/// `s` where one view reads or uses something.
fn s_of(views: &[View]) -> &'static str {
    if views.len() == 1 { "s" } else { "" }
}

/// What is said of a table, with the views that use the columns that its statements change.
fn with_views(mut text: String, table: ToldTable<'_>, own: &[&HeldColumn]) -> String {
    let columns = || own.iter().filter_map(|held| held.column.as_ref());
    let place =
        |text: &str, column: &Ident| Some(ToldStatement::find(text, table, column)?.before.len());
    let mut places = once(columns().filter_map(|column| place(&text, column)));
    // What is written into the text moves what stands behind.
    places.sort_unstable_by(|one, other| other.cmp(one));
    for start in places {
        let of_it = once(columns().filter(|column| place(&text, column) == Some(start)));
        let holds = |held: &&&HeldColumn| {
            held.column.as_ref().is_some_and(|column| of_it.contains(&column))
        };
        let views = views(own.iter().filter(holds).map(|held| &held.holder));
        let told = of_it.first().and_then(|column| ToldStatement::find(&text, table, column));
        let Some(told) = told.filter(|_| !views.is_empty()) else { continue };
        text = told.with_views(&views, table.name);
    }
    text
}

/// What is said of a table, with one thing that holds its column, which is no view. `fails`: see [`Told::fails`].
fn told_with(
    text: &str,
    table: ToldTable<'_>,
    column: &Ident,
    held: &HeldColumn,
    fails: bool,
) -> String {
    let Some(told) = ToldStatement::find(text, table, column) else {
        return text.to_owned();
    };
    let is_view_or_other = matches!(held.holder, Holder::View(_) | Holder::Other(_));
    if table.of_type.is_some() && !is_view_or_other {
        return text.to_owned();
    }
    let ToldStatement { before, own, rest, after, deed } = told;
    let head = &before[..lead_of(before)];
    let first = |what: String| told.after_doing(&what, "", "");
    let without = |constraint: &Ident| {
        format!("{before}{own}drop constraint if exists {}, {rest}", constraint.typed())
    };
    // Another statement, or none, instead of this one.
    let instead = |what: String| format!("{head}{what}{after}");
    match (&held.holder, deed) {
        // They are told together.
        (Holder::View(_) | Holder::PartitionKey(_), _) => text.to_owned(),
        (Holder::Other(what), Deed::Retypes) => {
            first(format!("drop {what}, which uses the column (create it again afterwards)"))
        }
        (Holder::Other(what), Deed::Drops) => first(format!("drop {what}, which uses the column")),
        (Holder::Generated(column), Deed::Retypes) => {
            let then = format!("{COMES_BACK} column \"{}\" again", column.as_str());
            format!("{before}{own}drop column {}, {rest} ({then}){after}", column.typed())
        }
        (Holder::Generated(column), Deed::Drops) => {
            first(format!("drop column \"{}\", which is computed of it", column.as_str()))
        }
        (Holder::Parent(parent), _) => instead(format!(
            "run on the target what is told for {parent}, from which the column is inherited"
        )),
        // The other column may have another type by now, and rows may refer to rows that are still missing.
        (Holder::ForeignKey(key), Deed::Retypes) if fails => {
            let (table, name) = (key.table.typed(), key.name.typed());
            let drop = format!("alter table {table} drop constraint if exists {name}");
            format!("{before}{drop}; {own}{rest}{after}")
        }
        (Holder::OwnKey(key), Deed::Retypes) if fails => {
            format!("{}{after}", without(&key.name))
        }
        (Holder::OwnCheck(own_check), Deed::Retypes) if fails && breaks(own_check, rest, held) => {
            format!("{}{after}", without(&own_check.name))
        }
        (Holder::ForeignKey(_), Deed::Retypes) | (Holder::OwnKey(_) | Holder::OwnCheck(_), _) => {
            text.to_owned()
        }
        (Holder::ForeignKey(key), Deed::Drops) => first(drop_of(key)),
    }
}

/// What drops a foreign key of another table.
fn drop_of(key: &HoldingKey) -> String {
    format!(
        "run: alter table {} drop constraint {} (rows of that table refer to the column)",
        key.table.typed(),
        key.name.typed()
    )
}

/// Where the words begin that lead to the statement: `run on the target: `, `run: `.
fn lead_of(before: &str) -> usize {
    let leads = before.rmatch_indices("run");
    let mut starts = leads.map(|(start, _)| start).filter(|start| {
        let lead = &before[*start..];
        ["run on the target", "run there", "run:"].iter().any(|known| lead.starts_with(known))
    });
    starts.next().unwrap_or(before.len())
}

/// Who creates foreign keys again that were dropped: a run those of tables that pgsync has created, people the others.
fn created_again(dropped: &[&HoldingKey], is_made: impl Fn(&HoldingKey) -> bool) -> String {
    let (own, others): (Vec<&HoldingKey>, Vec<&HoldingKey>) =
        dropped.iter().copied().partition(|key| is_made(key));
    let add = |key: &HoldingKey| {
        let (table, name) = (key.table.typed(), key.name.typed());
        format!("alter table {table} add constraint {name} {}", key.definition)
    };
    let adds: Vec<String> = others.into_iter().map(add).collect();
    let by_hand = format!("after the next run, run: {}", adds.join("; "));
    let what = if own.len() == 1 { "the foreign key" } else { "the foreign keys" };
    match (own.is_empty(), adds.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!(" (the next run creates {what} again)"),
        (true, false) => format!(" ({by_hand})"),
        (false, false) => {
            let names: Vec<&str> = own.iter().map(|key| key.name.as_str()).collect();
            format!(" (the next run creates {} again; {by_hand})", names.join(", "))
        }
    }
}

/// Whether a check may be no expression any more: it is worded by the type that the column has now.
fn breaks(check: &OwnCheck, rest: &str, held: &HeldColumn) -> bool {
    held.column.as_ref().and_then(|column| new_category(rest, column)) != Some(check.category)
}

/// The category of the type that a column is to get, as `pg_type.typcategory` has it, of the types whose kin an expression
/// takes alike.
fn new_category(rest: &str, column: &Ident) -> Option<char> {
    let mut types = [column.typed(), column.quoted()].into_iter().filter_map(|name| {
        let (_, kind) = rest.split_once(&format!("alter column {name} type "))?;
        kind.split([' ', '(', ',']).next()
    });
    match types.next()? {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double" => Some('N'),
        "text" | "character" => Some('S'),
        "date" | "timestamp" | "time" => Some('D'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &TableName) -> ToldTable<'_> {
        ToldTable { name, of_type: None }
    }

    #[test]
    fn a_statement_is_told_with_what_holds_its_column() {
        let name = |name: &str| TableName { schema: Ident::new("public"), name: Ident::new(name) };
        let table = name("item");
        let text = "column \"x\" is bigint: use -ddl reset, or run on the target: alter table public.item alter column x type bigint; \
                    column \"y\" is text: run on the target: alter table public.item alter column y type text";
        let told = |holder| {
            let held = HeldColumn { table: 0, column: Some(Ident::new("x")), holder };
            let told = told_with_all(text, of(&table), &[&held], true);
            let told = told.strip_prefix("column \"x\" is bigint: ").map(str::to_owned);
            let told = told.map(|told| told.replace("use -ddl reset, or ", ""));
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
        assert_eq!(
            told(Holder::View(View { name: name("v"), materialized: false })),
            "first save view public.v, which uses the column, with its grants (pg_dump -s -t public.v -f views-item.sql), then run on \
             the target: drop view public.v; alter table public.item alter column x type bigint (then restore it: psql -f \
             views-item.sql)"
        );
        let dropped = "run on the target, and the next run creates again what is dropped: alter table public.item drop column x";
        let view = Holder::View(View { name: name("v"), materialized: false });
        let view = HeldColumn { table: 0, column: Some(Ident::new("x")), holder: view };
        assert!(told_with_all(dropped, of(&table), &[&view], true).ends_with(
            "drop view public.v; alter table public.item drop column x (after that run, restore it: psql -f views-item.sql)"
        ));
        assert!(told(Holder::Other("policy p on table public.item".to_owned())).starts_with(
            "first drop policy p on table public.item, which uses the column (create it again afterwards), then run on"
        ));
        let check =
            |category| told(Holder::OwnCheck(OwnCheck { name: Ident::new("small"), category }));
        assert!(check('S').contains(
            "alter table public.item drop constraint if exists small, alter column x type bigint"
        ));
        assert!(!check('N').contains("constraint"));
        assert!(told(Holder::PartitionKey(String::new())).ends_with("drop table public.item"));
    }

    #[test]
    fn a_statement_that_drops_a_column_is_told_with_what_holds_it() {
        let table = TableName { schema: Ident::new("public"), name: Ident::new("Item") };
        let holder = Holder::View(View { name: TableName::new("s", "v"), materialized: false });
        let held = |column| HeldColumn {
            table: 0,
            column: Some(Ident::new(column)),
            holder: holder.clone(),
        };
        let text = "to drop it, run: alter table \"public\".\"Item\" drop column \"no\"; more";
        let told_with = |text, held| told_with_all(text, of(&table), &[&held], false);
        let told = told_with(text, held("no"));
        assert_eq!(
            told,
            "to drop it, first save view s.v, which uses the column, with its grants (pg_dump -s -t s.v -f views-Item.sql), then run: \
             drop view s.v; alter table \"public\".\"Item\" drop column \"no\" (then create it again without the column); more"
        );
        let other = Holder::Other("rule r on s.t".to_owned());
        let other = HeldColumn { holder: other, ..held("no") };
        assert_eq!(
            told_with(text, other),
            "to drop it, first drop rule r on s.t, which uses the column, then run: alter table \"public\".\"Item\" drop column \
             \"no\"; more"
        );
        assert_eq!(told_with(text, held("n")), text);
        let typed = "alter table public.\"Item\" drop column note";
        assert_eq!(told_with(typed, held("no")), typed);
    }

    #[test]
    fn what_holds_several_columns_of_a_table_is_dropped_once() {
        let key = Holder::ForeignKey(HoldingKey {
            table: TableName::new("s", "child"),
            name: Ident::new("fk"),
            definition: "FOREIGN KEY (a, b) REFERENCES s.gone(a, b)".to_owned(),
        });
        let view = Holder::View(View { name: TableName::new("s", "v"), materialized: false });
        let drops =
            drops_with(&TableName::new("s", "gone"), [&view, &key, &view, &key].into_iter());
        assert_eq!(
            drops,
            "drop view if exists s.v; alter table if exists s.child drop constraint if exists fk; drop table s.gone"
        );
    }
}
