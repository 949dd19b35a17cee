//! Which foreign keys of the target the server has to check. Without the replica role it checks them
//! all. In it, a key is sound without a check when the source has the same one and both of its tables
//! are read in the run's snapshot; every other one is checked, by leaving the role for its tables.

use std::collections::{HashMap, HashSet};

use crate::ident::{Ident, TableName};
use crate::table::ForeignKey;

/// The rule `where` of a table.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The table's name on the source.
    pub table: TableName,
    pub condition: String,
    /// Whether its columns have other names on the target.
    pub is_renamed: bool,
}

impl Filter {
    /// A condition for the table of a foreign key, with columns of the source: only rows that refer to what this filter
    /// lets through.
    pub fn for_child(&self, child_columns: &[Ident], parent_columns: &[Ident]) -> String {
        let listed =
            |names: &[Ident]| names.iter().map(Ident::typed).collect::<Vec<_>>().join(", ");
        let (own, parents) = (listed(child_columns), listed(parent_columns));
        let own = if child_columns.len() > 1 { format!("({own})") } else { own };
        format!("{own} in (select {parents} from {} where {})", self.table.typed(), self.condition)
    }
}

/// What of a table's foreign keys the server checks, outside of the replica role.
#[derive(Clone, Copy, Debug)]
pub struct Checked {
    /// While rows are inserted and updated.
    pub writes: bool,
    /// While rows are deleted. Where writes are checked, deletes are, too.
    pub deletes: bool,
}

/// The foreign keys of a run.
#[derive(Clone, Debug, Default)]
pub struct References {
    pub source: Vec<ForeignKey>,
    pub target: Vec<ForeignKey>,
    /// Those of the target that only partitions have or are referred to by, between the tables of the run.
    pub of_partitions: Vec<ForeignKey>,
    /// From tables of the target to those that functions of their checks name, which the server always asks.
    pub of_checks: Vec<ForeignKey>,
    /// Those of the target that are away while rows are written.
    pub loosened: Vec<ForeignKey>,
    pub selected: HashSet<TableName>,
    /// What the source calls tables that have another name there, by the names on the target.
    pub names: HashMap<TableName, TableName>,
    /// Those of which rules let only some rows through.
    pub filtered: HashMap<TableName, Filter>,
    /// Those whose rows stay on the target when the source has them no more, by a rule.
    pub keeping: HashSet<TableName>,
    /// Of these, those whose rows no write changes.
    pub appended: HashSet<TableName>,
    /// Of the target's tables the columns by which their rows are found, and whose values no write changes.
    pub fixed: HashMap<TableName, Vec<Ident>>,
    /// Tables with a constraint that is checked at the end of a transaction, outside of the replica role alone, and that
    /// the source's rows need not keep.
    pub checked_late: HashSet<TableName>,
    /// Whether the target's sessions check nothing by themselves.
    pub replica_role: bool,
}

impl References {
    /// Whether a key of the target needs no check while its tables are written: all rows of both tables are the source's.
    pub fn is_sound(&self, key: &ForeignKey) -> bool {
        self.is_kept_by_the_source(key) && !self.outlives(key)
    }

    /// Whether rows of the source keep a key of the target: the source has the same key, and promises as much. A key that
    /// is NOT VALID on both sides promises nothing about rows that are older than it, on either.
    fn is_kept_by_the_source(&self, key: &ForeignKey) -> bool {
        let promises = |other: &&ForeignKey| other.validated || !key.validated;
        self.outside(key).is_none()
            && !self.filtered.contains_key(&key.parent)
            && self.on_the_source(key).any(|other| promises(&other))
    }

    /// Whether rows that the source has no more, and that a rule keeps, may refer by a key to what the target has no more.
    pub fn outlives(&self, key: &ForeignKey) -> bool {
        let stays = self.keeping.contains(&key.parent) && self.are_fixed(key);
        self.keeping.contains(&key.child) && !stays
    }

    /// Whether no write changes the values to which a key refers.
    fn are_fixed(&self, key: &ForeignKey) -> bool {
        let fixed = self.fixed.get(&key.parent);
        key.parent_columns.iter().all(|name| fixed.is_some_and(|fixed| fixed.contains(name)))
    }

    /// Whether the source has a key of the target, but does not say that all of its rows keep it.
    pub fn is_not_valid_on_the_source(&self, key: &ForeignKey) -> bool {
        let mut same = self.on_the_source(key).peekable();
        same.peek().is_some() && same.all(|other| !other.validated)
    }

    /// Whether the source has a key of the target.
    pub fn is_on_the_source(&self, key: &ForeignKey) -> bool {
        self.on_the_source(key).next().is_some()
    }

    /// The keys of the source that say the same as one of the target.
    fn on_the_source(&self, key: &ForeignKey) -> impl Iterator<Item = &ForeignKey> {
        let is_same = |other: &&ForeignKey| {
            other.child == key.child && other.parent == key.parent && join_alike(other, key)
        };
        self.source.iter().filter(is_same)
    }

    /// Whether a key is part of a circle, in which no table can be written before the others.
    pub fn closes_a_circle(&self, key: &ForeignKey) -> bool {
        leads_to(&self.target, &key.parent, &key.child)
    }

    /// What the source calls a table.
    pub fn source_name<'n>(&'n self, table: &'n TableName) -> &'n TableName {
        self.names.get(table).unwrap_or(table)
    }

    /// The end of a key that is not in the run.
    pub fn outside<'k>(&self, key: &'k ForeignKey) -> Option<&'k TableName> {
        [&key.parent, &key.child].into_iter().find(|end| !self.selected.contains(*end))
    }

    /// Whether the server checks the foreign keys of a table while rows are inserted and updated. Of a key to what no
    /// write changes, only deletes have to be checked.
    pub fn are_writes_checked(&self, table: &TableName) -> bool {
        let matters = |key: &ForeignKey| key.child == *table || !self.are_fixed(key);
        !self.replica_role
            || self.checked_late.contains(table)
            || self.always_checked(table).any(matters)
    }

    /// Whether the server checks the foreign keys of a table when rows of it are deleted, or written.
    pub fn are_checked(&self, table: &TableName) -> bool {
        !self.replica_role
            || self.checked_late.contains(table)
            || self.always_checked(table).next().is_some()
    }

    /// The keys from or to a table that the server checks whatever the role may do. Rows that come are the source's, also
    /// where a rule keeps others.
    pub fn always_checked(&self, table: &TableName) -> impl Iterator<Item = &ForeignKey> {
        self.target.iter().filter(move |key| {
            let as_child = key.child == *table && !self.is_kept_by_the_source(key);
            as_child || key.parent == *table && !self.is_sound(key)
        })
    }

    /// The keys that the server checks whatever the role may do, each with the reason: `"k" of a.b (…)`.
    pub fn named_checks(&self, table: &TableName) -> Vec<NamedCheck> {
        self.always_checked(table).map(|key| self.named_check(key)).collect()
    }

    fn named_check(&self, key: &ForeignKey) -> NamedCheck {
        let (child, name) = (key.child.typed(), key.name.typed());
        let is_filtered = self.filtered.contains_key(&key.parent);
        let is_open = !is_filtered && !self.outlives(key);
        let (why, way_out) = if !self.is_on_the_source(key) {
            let way_out = format!(
                "drop the foreign key, which only the target has: run on the target: alter table {child} drop constraint {name}"
            );
            let why = self.outside(key).map(|outside| format!("{outside} is not in this run"));
            (why.unwrap_or_else(|| "only the target has it".to_owned()), Some(way_out))
        } else if let Some(outside) = self.outside(key) {
            let is_enough = is_open && !self.is_not_valid_on_the_source(key);
            let way_out =
                is_enough.then(|| format!("include {} in the run, too", self.source_name(outside)));
            (format!("{outside} is not in this run"), way_out)
        } else if self.is_not_valid_on_the_source(key) {
            let way_out = is_open.then(|| "validate the foreign key on the source".to_owned());
            ("it is NOT VALID on the source".to_owned(), way_out)
        } else if is_filtered {
            (format!("the where of {} leaves out rows", key.parent), None)
        } else {
            (format!("a rule keeps rows of {}", key.child), None)
        };
        NamedCheck { text: format!("\"{}\" of {} ({why})", key.name.as_str(), key.child), way_out }
    }

    /// When the foreign keys of a table are checked.
    pub fn checked(&self, table: &TableName) -> Checked {
        Checked { writes: self.are_writes_checked(table), deletes: self.are_checked(table) }
    }

    /// Whether the server would check a key between a table that is rebuilt, in one of `places`, and one that is not:
    /// there is the old table until all rows are written.
    pub fn compares_times(&self, key: &ForeignKey, places: &HashSet<&TableName>) -> bool {
        let is_checked = match [&key.child, &key.parent].map(|end| places.contains(end)) {
            [true, false] => self.are_checked(&key.parent),
            [false, true] => self.are_writes_checked(&key.child),
            _ => false,
        };
        is_checked && self.outside(key).is_none()
    }

    /// The foreign keys that the target has when all is done.
    pub fn in_the_end(&self) -> Vec<ForeignKey> {
        self.target.iter().chain(&self.loosened).cloned().collect()
    }

    /// The keys that order the work: of children whose writes are checked, and of parents whose deletes are. What
    /// partitions and checks want beside them closes no circle: tables in one wait for each other in vain.
    pub fn ordering(&self) -> Vec<ForeignKey> {
        let ordering = |key: &&ForeignKey| {
            self.are_writes_checked(&key.child) || self.are_checked(&key.parent)
        };
        let mut keys: Vec<ForeignKey> = self.target.iter().filter(ordering).cloned().collect();
        let of_partitions = self.of_partitions.iter().filter(|_| !self.replica_role);
        for key in of_partitions.chain(&self.of_checks) {
            if !leads_to(&keys, &key.parent, &key.child) {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Whether rows of the child cannot be written by a key while the parent is not in sync.
    pub fn holds_up(&self, key: &ForeignKey) -> bool {
        key.has_columns() && self.are_writes_checked(&key.child)
    }

    /// The keys that hold in the end, and that nothing checks while the tables are written.
    pub fn trusted(&self) -> impl Iterator<Item = &ForeignKey> {
        let checked = |key: &&ForeignKey| {
            self.are_writes_checked(&key.child) && self.are_checked(&key.parent)
        };
        let holds = |key: &&ForeignKey| key.validated && self.outside(key).is_none();
        let unchecked = self.target.iter().filter(move |key| !checked(key));
        unchecked.chain(&self.loosened).filter(move |key| holds(key))
    }

    /// The columns of `table` on the source that an action of a foreign key changes when a parent goes
    /// or gets another key. Such a change does not set the timestamp.
    pub fn fk_action_columns(&self, table: &TableName) -> HashSet<&Ident> {
        let acts = |key: &&ForeignKey| {
            key.child == *table
                && (matches!(key.on_delete, 'n' | 'd') || matches!(key.on_update, 'c' | 'n' | 'd'))
        };
        self.source.iter().filter(acts).flat_map(|key| &key.child_columns).collect()
    }

    /// Whether the target's table refers to itself.
    pub fn are_within(&self, table: &TableName) -> bool {
        self.target.iter().any(|key| &key.child == table && &key.parent == table)
    }

    /// Whether a check at the end of a statement is all that references to the target's table do about a deleted row.
    pub fn wait_for_the_end(&self, table: &TableName) -> bool {
        self.target.iter().filter(|key| &key.parent == table).all(|key| key.on_delete == 'a')
    }

    /// The keys by which the removal of rows of `table` would change rows elsewhere, or rows of its own that stay.
    pub fn cascading(&self, table: &TableName) -> Vec<CascadingKey> {
        let acts = |key: &&ForeignKey| {
            let is_own = key.child == *table;
            key.parent == *table && (is_own || matches!(key.on_delete, 'c' | 'n' | 'd'))
        };
        if self.are_checked(table) {
            let keys = self.target.iter().filter(acts);
            keys.map(|key| self.with_way_out(key)).collect()
        } else {
            Vec::new()
        }
    }

    /// What keeps rows of `table` from being deleted: rows of other tables that refer to them, and that this run neither
    /// deletes nor changes.
    pub fn keepers(&self, table: &TableName) -> Vec<CascadingKey> {
        if !self.are_checked(table) {
            return Vec::new();
        }
        let keeps = |key: &&ForeignKey| {
            let stays = self.outside(key).is_some() || self.appended.contains(&key.child);
            key.parent == *table && key.child != *table && stays
        };
        self.target.iter().filter(keeps).map(|key| self.with_way_out(key)).collect()
    }

    fn with_way_out(&self, key: &ForeignKey) -> CascadingKey {
        let is_kept = self.keeping.contains(&key.child);
        CascadingKey { key: key.clone(), is_kept, in_circle: None, way_out: self.way_out(key) }
    }

    /// What settles that rows refer by a key to rows that the source does not have.
    pub fn way_out(&self, key: &ForeignKey) -> String {
        let (child, name) = (key.child.typed(), key.name.typed());
        if key.child == key.parent {
            return "correct these rows first, if they are bad rows that are left out".to_owned();
        }
        if self.appended.contains(&key.child) {
            return format!(
                "choose another mode than append for {child}, or delete the rows of {child} that refer to vanished rows on \
                 the target"
            );
        }
        let parent = key.parent.typed();
        if self.keeping.contains(&key.child) {
            return format!(
                "a rule keeps rows of {child} (\"deletes\" or \"mode\"): take out that rule, keep the rows of {parent}, too (its \
                 rule \"deletes\": false), or delete the rows of {child} that refer to vanished rows on the target"
            );
        }
        let is_on_the_source = self.is_on_the_source(key);
        if self.selected.contains(&key.child) && is_on_the_source {
            return "bring that table in sync first".to_owned();
        }
        let kept = format!("keep the rows of {parent} (its rule \"deletes\": false)");
        let deleted = format!("delete the rows of {child} that refer to vanished rows, or {kept}");
        if !is_on_the_source {
            let own = if self.selected.contains(&key.child) { kept } else { deleted };
            return format!(
                "{own}; to give up the foreign key, which the source does not have, run on the target: alter table {child} \
                 drop constraint {name}"
            );
        }
        let source = self.source_name(&key.child).typed();
        match self.where_for_child(key) {
            Some(own) => {
                format!(
                    "let the run sync {source} as well, with a where of its own, such as: {own}"
                )
            }
            None => format!("let the run sync {source} as well, or {deleted}"),
        }
    }

    /// A where for the child of a key that fits that of the parent, if the parent has one.
    pub fn where_for_child(&self, key: &ForeignKey) -> Option<String> {
        let filter = self.filtered.get(&key.parent).filter(|filter| !filter.is_renamed)?;
        Some(filter.for_child(&key.child_columns, &key.parent_columns))
    }
}

/// Whether a table is another one, or refers to it by these keys, at any distance.
fn leads_to(keys: &[ForeignKey], from: &TableName, to: &TableName) -> bool {
    let mut reached = vec![from];
    let mut at = 0;
    while let Some(&table) = reached.get(at) {
        let parents = keys.iter().filter(|key| key.child == *table).map(|key| &key.parent);
        let new: Vec<&TableName> = parents.filter(|parent| !reached.contains(parent)).collect();
        reached.extend(new);
        at += 1;
    }
    reached.contains(&to)
}

/// A foreign key that the server has to check, in words.
pub struct NamedCheck {
    pub text: String,
    /// What makes that check needless, if it can be done without giving up a rule.
    pub way_out: Option<String>,
}

/// A key by which the removal of rows would change rows of another table.
#[derive(Clone, Debug, PartialEq)]
pub struct CascadingKey {
    pub key: ForeignKey,
    /// Whether a rule keeps rows of the child that the source has no more.
    pub is_kept: bool,
    /// The child's name on the source, if both tables are written in one transaction: rows that have vanished themselves
    /// may still refer.
    pub in_circle: Option<TableName>,
    /// What settles that, in words.
    pub way_out: String,
}

/// Whether both keys join the same columns, in whichever order.
fn join_alike(one: &ForeignKey, other: &ForeignKey) -> bool {
    let pairs = one.child_columns.iter().zip(&one.parent_columns).collect::<HashSet<_>>();
    pairs == other.child_columns.iter().zip(&other.parent_columns).collect()
}
