//! One change of the target's definitions: what the comparison of both sides plans, and what is run before
//! and after the rows.

use crate::ident::{Ident, TableName};
use crate::schema_object::text::Name;
use crate::schema_object::{Kind, Object};
use crate::sql::statement::Statement;

/// One change, whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub kind: Kind,
    /// `index public.item_name_idx`, for people.
    pub title: String,
    /// The id of the table that is changed.
    pub table: Option<String>,
    /// What it is about: of what belongs to a table, that table.
    pub on: Option<Name>,
    pub statements: Vec<Statement>,
    /// The tables of the run that need it, by their names on the source.
    pub roots: Vec<TableName>,
    /// The table of the run that this makes, by its name on the source.
    pub makes: Option<TableName>,
    /// The id of what it makes, if that is all that it touches.
    pub creates: Option<String>,
    /// Whether older servers take it in no transaction.
    pub alone: bool,
    /// Whether it builds the index of which the next step makes a key.
    pub builds: bool,
    /// Whether it completes what an earlier step of the same run makes.
    pub completes: bool,
    /// Of an index, and of a constraint that has one: the name of that.
    pub index: Option<Name>,
    /// Of what gets another name: both, as `index public.old to new`.
    pub names: Option<String>,
    /// Of a label that an enum gets: the renames that would give it this label instead.
    pub renames: Vec<LabelRename>,
    /// Whether it only looks at the rows of a foreign key that is there.
    pub is_validation: bool,
    /// Whether the table may do without.
    pub optional: bool,
    /// Whether what it makes belongs to no table: a type, a sequence that no column owns.
    pub shared: bool,
    /// Whether it makes what a column lacks that somebody is to give another type: it is made for tables that fail, too.
    pub retypes: bool,
    /// Whether it can run functions of users: building an index computes constants.
    pub runs_code: bool,
    /// Whether a column takes values then that it does not take before.
    pub widens: bool,
    /// Of a column that gets a larger type in place: which, and how.
    pub growth: Option<Growth>,
    /// The column that it makes an identity: that has a sequence then.
    pub numbers: Option<Ident>,
    /// Of a new partition: the statement that takes its rows out of the default one.
    pub room: Option<String>,
    /// Of a new partition: whether its rows have a place without it.
    pub has_default: bool,
    /// What its tables need that the target lacks and that pgsync does not make.
    pub unmade: Vec<UnmadeFunction>,
    /// How many other steps have to come before, one after the other.
    pub level: usize,
    /// The schemas that names without one lead to.
    pub path: Vec<Ident>,
}

/// A column that gets a larger type in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    pub column: Ident,
    /// `column public.item.name`
    pub title: String,
    /// The type that it has on the target.
    pub from: String,
    pub to: String,
}

impl Growth {
    /// What is said of it where the column keeps its type.
    pub fn kept(&self) -> String {
        let Self { title, from, to, .. } = self;
        format!("{title} stays {from}, but it is {to} on the source")
    }
}

/// A function that only the source has, and that pgsync does not make.
#[derive(Clone, Debug, PartialEq)]
pub struct UnmadeFunction {
    pub name: Ident,
    /// Why not: `in C`.
    pub what: String,
}

/// A label of an enum that only the target has, and that the source may have renamed.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelRename {
    /// The title of the enum.
    pub of: String,
    pub from: String,
    pub to: String,
    pub statement: Statement,
    /// See [`Step::path`].
    pub path: Vec<Ident>,
}

impl LabelRename {
    /// Asks whether the source has renamed labels, with the statements that follow it.
    pub fn asked(renames: &[&Self]) -> Option<String> {
        let first = renames.first()?;
        let is_clear = |place: usize, one: &&Self| {
            let mut others = renames[..place].iter().filter(|other| other.of == one.of);
            !others.any(|other| other.from == one.from || other.to == one.to)
        };
        let of_one = renames.iter().all(|one| one.of == first.of);
        let are_clear = renames.iter().enumerate().all(|(place, one)| is_clear(place, one));
        let groups: Vec<&[&Self]> =
            if of_one && are_clear { vec![renames] } else { renames.chunks(1).collect() };
        let asked = groups.into_iter().map(|group| {
            let run = group.iter().map(|one| one.statement.on_one_line());
            let run = pasted_under(&first.path, &run.collect::<Vec<_>>().join("; "));
            let pairs = group.iter().map(|one| format!("'{}' to '{}'", one.from, one.to));
            match group {
                [one] => format!(
                    "if the source has renamed the label '{}' of {} to '{}', run on the target: {run}",
                    one.from, one.of, one.to
                ),
                _ => format!(
                    "if the source has renamed labels of {} ({}), run on the target: {run}",
                    first.of,
                    pairs.collect::<Vec<_>>().join(", ")
                ),
            }
        });
        Some(asked.collect::<Vec<_>>().join("; "))
    }
}

impl Step {
    /// Whether both do the same with the same constraint of the same table, wherever that is.
    pub fn is_of_same_part(&self, other: &Self) -> bool {
        fn part(step: &Step) -> Option<&str> {
            let title = step.title.strip_prefix("validation of ").unwrap_or(&step.title);
            let place = title.strip_prefix(step.kind.noun())?;
            place.strip_suffix(step.table.as_ref()?.as_str())?.strip_suffix(" of ")
        }
        let place = |step: &Self| (step.kind, step.is_validation, step.roots.clone());
        place(self) == place(other) && part(self).is_some() && part(self) == part(other)
    }

    /// What concerns some tables as a whole.
    pub fn of_tables(title: &str, statements: Vec<Statement>, roots: Vec<TableName>) -> Self {
        Self {
            kind: Kind::Table,
            title: title.to_owned(),
            table: None,
            on: None,
            statements,
            roots,
            makes: None,
            creates: None,
            alone: false,
            builds: false,
            completes: false,
            renames: Vec::new(),
            index: None,
            names: None,
            is_validation: false,
            optional: false,
            shared: false,
            retypes: false,
            runs_code: false,
            widens: false,
            growth: None,
            numbers: None,
            room: None,
            has_default: false,
            unmade: Vec::new(),
            level: 0,
            path: Vec::new(),
        }
    }

    /// The id of the table that it makes.
    pub fn new_table(&self) -> Option<&str> {
        let id = if self.joins_parent() { &self.table } else { &self.creates };
        id.as_deref().filter(|_| self.kind == Kind::Table)
    }

    /// Whether it makes a table that joins another one.
    pub fn joins_parent(&self) -> bool {
        self.kind == Kind::Table && self.table.is_some()
    }

    /// Whether it makes a partition, or makes a table one.
    pub fn makes_partition(&self) -> bool {
        self.names.is_none() && (self.joins_parent() || self.kind == Kind::Partition)
    }

    /// Whether it changes something that is there: `default of column …`, `drop of index …`.
    pub fn is_change(&self) -> bool {
        let text = self.statements.first().map(Statement::as_str).unwrap_or_default();
        let is_of = self.title.split(' ').nth(1) == Some("of");
        // A constraint may be called "of".
        let is_named_so = is_of && !self.title.starts_with(self.kind.noun())
            || self.title.starts_with(NOT_NULL_OF);
        is_named_so || text.contains(" alter column ") && !self.completes
    }

    /// The name that the index gets that it makes.
    pub fn new_index(&self) -> Option<&Name> {
        let makes = matches!(self.kind, Kind::Key | Kind::Index)
            && !(self.is_change() || self.drops() || self.is_validation);
        self.index.as_ref().filter(|_| makes)
    }

    /// Whether it drops what is there.
    pub fn drops(&self) -> bool {
        self.dropped().is_some()
    }

    /// The title of what it drops.
    pub fn dropped(&self) -> Option<&str> {
        self.title.strip_prefix(DROP)
    }

    /// Whether another object may have the name afterwards that one has before.
    pub fn frees_a_name(&self) -> bool {
        self.drops() || self.title.starts_with(NAME)
    }

    /// Whether a column takes NULL then that it does not take before.
    pub fn drops_not_null(&self) -> bool {
        let mut texts = self.statements.iter().map(Statement::as_str);
        self.title.starts_with(NOT_NULL_OF) && texts.any(|text| text.ends_with(" drop not null"))
    }

    /// What it does, for an error: `renaming index public.item_name_idx`.
    pub fn doing(&self) -> String {
        if self.drops_not_null() {
            return format!("dropping {}", self.title);
        }
        let verb = VERBS
            .iter()
            .find_map(|one| Some(format!("{}{}", one.doing, self.title.strip_prefix(one.noun)?)));
        let other =
            || format!("{}{}", if self.is_change() { CHANGING } else { CREATING }, self.title);
        verb.unwrap_or_else(other)
    }

    /// What it would do, for a dry run: `rename index public.item_name_idx`.
    pub fn deed(&self) -> String {
        if self.drops_not_null() {
            return format!("drop {}", self.title);
        }
        let verb = VERBS
            .iter()
            .find_map(|one| Some(format!("{}{}", one.deed, self.title.strip_prefix(one.noun)?)));
        let other =
            || format!("{} {}", if self.is_change() { "change" } else { "create" }, self.title);
        verb.unwrap_or_else(other)
    }

    /// What concerns one object.
    pub fn about(object: &Object, statements: Vec<Statement>, roots: &[&TableName]) -> Self {
        let roots = roots.iter().map(|root| (*root).clone()).collect();
        Self {
            kind: object.kind,
            table: object.table.clone(),
            on: Some(object.table_name().clone()),
            runs_code: object.runs_code(),
            index: object.index.as_ref().map(|index| index.name.clone()),
            ..Self::of_tables(&object.title(), statements, roots)
        }
    }
}

/// What the title of a step begins with that sets or drops NOT NULL of a column.
pub const NOT_NULL_OF: &str = "NOT NULL of ";
/// What the title of a step begins with that changes the type of a column.
pub const TYPE_OF: &str = "type of ";

const CREATING: &str = "creating ";
const CHANGING: &str = "changing ";
/// What the title of a step begins with that renames, and of one that drops.
const NAME: &str = "name of ";
const DROP: &str = "drop of ";

/// Of steps that do something else than create or change.
const VERBS: [Verb; 4] = [
    Verb { noun: NAME, doing: "renaming ", deed: "rename " },
    Verb { noun: DROP, doing: "dropping ", deed: "drop " },
    Verb { noun: "detachment of ", doing: "detaching ", deed: "detach " },
    Verb { noun: "validation of ", doing: "validating ", deed: "validate " },
];

/// What the title of a step begins with, and the words for what it does.
struct Verb {
    noun: &'static str,
    doing: &'static str,
    deed: &'static str,
}

/// Whether an action is that of a step.
pub fn is_step(action: &str) -> bool {
    let verbs = VERBS.iter().map(|one| one.doing);
    verbs.chain([CREATING, CHANGING]).any(|verb| action.starts_with(verb))
}

/// Statements as one may paste them: names without a schema lead to where they would lead a run.
pub fn pasted_under(path: &[Ident], statements: &str) -> String {
    if path.is_empty() || statements.is_empty() {
        return statements.to_owned();
    }
    let path: Vec<String> = path.iter().map(Ident::quoted).collect();
    format!("set search_path = {}; {statements}", path.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_it_does() {
        let cases = [
            ("table public.one", "create table public.one ()", "creating table public.one"),
            (
                "type of column public.one.a",
                "alter table one alter column a type text",
                "changing type of column public.one.a",
            ),
            (
                "NOT NULL of column public.one.a",
                "alter table one alter column a drop not null",
                "dropping NOT NULL of column public.one.a",
            ),
            (
                "column public.one.a",
                "alter table one add column a int",
                "creating column public.one.a",
            ),
            (
                "name of index public.one_a",
                "alter index b rename to one_a",
                "renaming index public.one_a",
            ),
            ("drop of index public.one_a", "drop index one_a", "dropping index public.one_a"),
            (
                "label 'x' of type public.mood",
                "alter type mood add value 'x'",
                "creating label 'x' of type public.mood",
            ),
            (
                "default of column public.one.a",
                "alter table one alter column a set default 1",
                "changing default of column public.one.a",
            ),
        ];
        for (title, statement, doing) in cases {
            let statements = vec![crate::sql::Sql::trusted(statement).into()];
            let step = Step::of_tables(title, statements, Vec::new());
            assert_eq!(step.doing(), doing);
            assert!(is_step(doing));
        }
    }
}
