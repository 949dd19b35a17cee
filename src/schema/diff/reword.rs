//! Texts that differ between the two sides and may mean the same: a server words an expression
//! otherwise once its own words have been read back (`v in ('a', 'b')` on a varchar column), and so do
//! servers of other versions. Which of them mean the same is for the target to say, which is
//! asked to word both. What does is then written in the target's words on both sides.

use std::collections::{HashMap, HashSet};

use super::DiffInput;
use super::type_changes::{in_place, type_of_definition};
use crate::ident::{Ident, TableName};
use crate::schema_object::text::Name;
use crate::schema_object::texts::{PlacedText, Text};
use crate::schema_object::{ColumnDefinition, Definitions, Kind, Object};
use crate::sql::statement::{Statement, statement};

/// Two objects, one of each side, that are the same if their texts are.
#[derive(Debug)]
pub struct Pair<'a> {
    /// That of the source.
    node: &'a str,
    /// Whether only its name tells that it is the other: then one text may differ and another not.
    pub same_name: bool,
    /// The table of the target under whose columns they are read.
    pub table: &'a Object,
    /// Its columns, those that grow as they will be.
    pub columns: Vec<&'a ColumnDefinition>,
    pub texts: Vec<Differing>,
}

/// One place in both.
#[derive(Debug)]
pub struct Differing {
    place: String,
    pub here: Text,
    pub there: Text,
}

impl DiffInput<'_> {
    /// What is to be asked, table by table.
    pub fn differing(&self) -> Vec<Pair<'_>> {
        let selected: HashSet<&TableName> = self.selected.iter().copied().collect();
        let others = self.without_counterpart();
        let mut pairs = Vec::new();
        for here in &self.source.objects {
            if !here.root.as_ref().is_some_and(|root| selected.contains(root)) {
                continue;
            }
            match self.there(here) {
                Some(there) => pairs.extend(self.pair(here, there, true)),
                None => {
                    let known = here.table.as_deref().and_then(|table| others.get(table));
                    let alike = known.into_iter().flatten().filter(|o| o.has_form_of(here));
                    pairs.extend(alike.filter_map(|there| self.pair(here, there, false)));
                }
            }
        }
        pairs
    }

    fn pair<'a>(
        &'a self,
        here: &'a Object,
        there: &'a Object,
        same_name: bool,
    ) -> Option<Pair<'a>> {
        let id = there.table.as_ref().unwrap_or(&there.id);
        let table = self.target.find(Kind::Table, id)?;
        let theirs = there.texts().into_iter().map(|one| (one.place, one.text));
        let theirs: HashMap<String, Text> = theirs.collect();
        let differing = here.texts().into_iter().filter_map(|PlacedText { place, text: here }| {
            let there = theirs.get(&place).filter(|there| **there != here)?.clone();
            Some(Differing { place, here, there })
        });
        let texts: Vec<Differing> = differing.collect();
        let id = here.table.as_ref().unwrap_or(&here.id);
        let source = self.source.find(Kind::Table, id).and_then(|table| table.definition.as_ref());
        let grown = |column: &'a ColumnDefinition| {
            let here = source.and_then(|source| source.column(&column.name)).filter(|here| {
                let types = type_of_definition(here).zip(type_of_definition(column));
                types.is_some_and(|(here, there)| in_place(here, there))
            });
            here.unwrap_or(column)
        };
        let columns = table.definition.iter().flat_map(|table| &table.columns).map(grown).collect();
        (!texts.is_empty()).then_some(Pair { node: &here.node, same_name, table, columns, texts })
    }
}

/// An object of the source, and the texts of the target that mean the same as its own.
pub struct Answer {
    node: String,
    texts: Vec<PlacedText>,
}

impl Pair<'_> {
    /// Gives the source's object the texts of the target's that mean the same.
    pub fn answered(&self, means_the_same: &[bool]) -> Option<Answer> {
        let whole = means_the_same.iter().all(|same| *same);
        if !whole && !self.same_name {
            return None;
        }
        let same = self.texts.iter().zip(means_the_same).filter(|(_, same)| **same);
        let same = same
            .map(|(text, _)| PlacedText { place: text.place.clone(), text: text.there.clone() });
        Some(Answer { node: self.node.to_owned(), texts: same.collect() })
    }
}

/// The definitions of the source in the target's words, as far as those mean the same.
pub fn reworded(source: &mut Definitions, answers: Vec<Answer>) {
    for Answer { node, texts } in answers {
        source.set_texts(&node, &texts);
    }
}

/// Statements that have the server read texts under the columns of the pair's table, of which a temporary one is
/// made. A constraint holds each, `h0`, `t0` and so on, and looks at no row.
pub fn read(pair: &Pair<'_>, texts: &[&Differing]) -> Vec<Statement> {
    let name = &pair.table.at.name;
    let columns = columns(pair.columns.iter().copied());
    let create = statement!("create temp table {name} ({columns})", name = name, columns = columns);
    let temporary = temporary(pair.table);
    let constraint = |side: &str, place: usize, text: &Text| {
        let tested = match text {
            Text::One(text) => statement!("{text}", text = text),
            Text::List(list) => statement!("row({list})", list = list),
        };
        statement!(
            "alter table {table} add constraint {name} check ({tested} is null) not valid",
            table = temporary,
            name = Ident::new(format!("{side}{place}")),
            tested = tested
        )
    };
    let both = texts.iter().enumerate().flat_map(|(place, differing)| {
        [constraint("h", place, &differing.here), constraint("t", place, &differing.there)]
    });
    std::iter::once(create).chain(both).collect()
}

/// The columns of a temporary table that is to be like another one.
pub(super) fn columns<'a>(columns: impl Iterator<Item = &'a ColumnDefinition>) -> Statement {
    let column = |column: &ColumnDefinition| {
        let collation = column.collation.as_ref();
        let collation = collation.map(|name| statement!(" collate {name}", name = name));
        let collation = Statement::join(collation, "");
        statement!("{n} {t}{c}", n = column.name, t = column.kind, c = collation)
    };
    Statement::join(columns.map(column), ", ")
}

/// The temporary table of the name of a table: rows of it as a whole are called by that name.
pub fn temporary(table: &Object) -> Name {
    Name { schema: Some(Ident::new("pg_temp")), name: table.at.name.clone() }
}

/// Whether the server words both texts alike, or words the source's as the target has it.
pub fn is_same(differing: &Differing, here: &str, there: &str) -> bool {
    let as_it_is = match &differing.there {
        Text::One(text) => format!("({} IS NULL)", text.as_str()),
        Text::List(list) => format!("(ROW({}) IS NULL)", list.as_str()),
    };
    here == there || here == as_it_is
}
