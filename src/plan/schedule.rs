//! The order of work between tables. Where foreign keys are checked as rows are written, parents
//! are written before their children and children are thinned before their parents; elsewhere
//! every table stands alone.

use std::collections::BTreeSet;

use crate::ident::TableName;
use crate::table::ForeignKey;

/// What of a table's work a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Writes and deletes.
    Whole,
    Write,
    Delete,
}

/// One piece of work. Tasks are named by their place in the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The table, by its place among the plans.
    pub table: usize,
    /// Tables that refer to it in a circle and share its transaction, in the order of writing.
    pub fk_cycle: Vec<usize>,
    pub pass: Pass,
    /// Tasks that have to end before. A write whose predecessor failed is not tried.
    pub after: Vec<usize>,
    /// Of those, the ones without which the write is tried all the same: nothing checks the key, or only the body of a
    /// function names the table.
    pub perhaps: Vec<usize>,
}

impl Task {
    /// All tables of the task.
    pub fn tables(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.table).chain(self.fk_cycle.iter().copied())
    }
}

/// A write and a delete per table or ring, in the order of the foreign keys. Tables without any keep
/// one task. A key that closes a cycle orders no writes, unless `rings` has it: see [`rings`]; but rows are deleted when all
/// that refer to them are written. Of one that does not hold up the child, the write is tried though the parent failed.
pub fn ordered(
    tables: &[&TableName],
    keys: &[ForeignKey],
    rings: &[Vec<usize>],
    holds_up: impl Fn(&ForeignKey) -> bool,
) -> Vec<Task> {
    let ring_of = |table: usize| rings.iter().find(|ring| ring.contains(&table));
    let first_of = |table: usize| ring_of(table).map_or(table, |ring| ring[0]);
    let edges = edges(tables, keys)
        .into_iter()
        .map(|edge| Edge { child: first_of(edge.child), parent: first_of(edge.parent) });
    let edges: BTreeSet<Edge> = edges.collect();
    let inner = all_edges(tables, keys)
        .into_iter()
        .map(|edge| Edge { child: first_of(edge.child), parent: first_of(edge.parent) })
        .filter(|edge| edge.child != edge.parent && !edges.contains(edge));
    let inner: BTreeSet<Edge> = inner.collect();
    let sure: Vec<ForeignKey> = keys.iter().filter(|key| holds_up(key)).cloned().collect();
    let sure = all_edges(tables, &sure);
    let sure =
        sure.iter().map(|edge| Edge { child: first_of(edge.child), parent: first_of(edge.parent) });
    let sure: BTreeSet<Edge> = sure.collect();
    let tied = edges.iter().chain(&inner).flat_map(|edge| [edge.child, edge.parent]);
    let tied: BTreeSet<usize> = tied.chain(rings.iter().map(|ring| ring[0])).collect();
    let firsts: Vec<usize> = (0..tables.len()).filter(|table| first_of(*table) == *table).collect();
    let write_of = |table: usize| firsts.partition_point(|first| *first < table);
    // The delete of a tied table stands behind all writes, in the same order.
    let delete_of = |table: usize| firsts.len() + tied.range(..table).count();
    let others = |table: usize| ring_of(table).map_or(Vec::new(), |ring| ring[1..].to_vec());
    let writes = firsts.iter().map(|&table| {
        let pass = if tied.contains(&table) { Pass::Write } else { Pass::Whole };
        let (surely, perhaps): (Vec<Edge>, Vec<Edge>) =
            edges.iter().filter(|edge| edge.child == table).partition(|edge| sure.contains(edge));
        let writes = |edges: Vec<Edge>| edges.into_iter().map(|edge| write_of(edge.parent));
        let perhaps: Vec<usize> = writes(perhaps).collect();
        let after = writes(surely).chain(perhaps.iter().copied()).collect();
        Task { table, fk_cycle: others(table), pass, after, perhaps }
    });
    let deletes = tied.iter().map(|&table| {
        let children = edges.iter().filter(|edge| edge.parent == table);
        let mut after: Vec<usize> = children.map(|edge| delete_of(edge.child)).collect();
        after.push(write_of(table));
        let inner = inner.iter().filter(|edge| edge.parent == table);
        after.extend(inner.map(|edge| write_of(edge.child)));
        Task { table, fk_cycle: others(table), pass: Pass::Delete, after, perhaps: Vec::new() }
    });
    writes.chain(deletes).collect()
}

/// The cycles that one transaction can write: those in which keys that cannot be deferred close no
/// cycle of their own. Each in the order of writing.
pub fn rings(tables: &[&TableName], keys: &[ForeignKey]) -> Vec<Vec<usize>> {
    let rigid: Vec<ForeignKey> = keys.iter().filter(|key| !key.deferrable).cloned().collect();
    let stuck = cycles(tables, &rigid);
    let edges = all_edges(tables, &rigid);
    let mut rings = cycles(tables, keys);
    rings.retain(|ring| !stuck.iter().flatten().any(|table| ring.contains(table)));
    for ring in &mut rings {
        ring.sort_by_key(|table| reachable(&edges, *table).len());
    }
    rings
}

/// The tables of each cycle of foreign keys, self references aside, by their places.
pub fn cycles(tables: &[&TableName], keys: &[ForeignKey]) -> Vec<Vec<usize>> {
    let edges = all_edges(tables, keys);
    let reach = |from: usize| reachable(&edges, from);
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for table in 0..tables.len() {
        let ahead = reach(table);
        if seen.contains(&table) || !ahead.contains(&table) {
            continue;
        }
        let ring: Vec<usize> =
            ahead.into_iter().filter(|other| reach(*other).contains(&table)).collect();
        seen.extend(ring.iter().copied());
        cycles.push(ring);
    }
    cycles
}

/// A child and its parent, by their places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    child: usize,
    parent: usize,
}

/// Those that are not inside a cycle.
fn edges(tables: &[&TableName], keys: &[ForeignKey]) -> Vec<Edge> {
    let all = all_edges(tables, keys);
    let within = |edge: &&Edge| reachable(&all, edge.parent).contains(&edge.child);
    all.iter().filter(|edge| !within(edge)).copied().collect()
}

fn all_edges(tables: &[&TableName], keys: &[ForeignKey]) -> Vec<Edge> {
    let place = |name: &TableName| tables.iter().position(|table| *table == name);
    let edges = keys
        .iter()
        .filter_map(|key| Some(Edge { child: place(&key.child)?, parent: place(&key.parent)? }));
    let edges: BTreeSet<Edge> = edges.filter(|edge| edge.child != edge.parent).collect();
    edges.into_iter().collect()
}

/// The tables that can be reached from `from` by one key or more, towards parents.
fn reachable(edges: &[Edge], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(child) = open.pop() {
        for edge in edges.iter().filter(|edge| edge.child == child) {
            if reached.insert(edge.parent) {
                open.push(edge.parent);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Ident;

    fn key(child: &str, parent: &str) -> ForeignKey {
        ForeignKey {
            name: Ident::new(format!("{child}_{parent}")),
            child: TableName::new("public", child),
            child_columns: vec![Ident::new("x")],
            parent: TableName::new("public", parent),
            parent_columns: vec![Ident::new("id")],
            on_delete: 'a',
            on_update: 'a',
            deferrable: false,
            validated: true,
            equals: Vec::new(),
        }
    }

    fn names(names: &[&str]) -> Vec<TableName> {
        names.iter().map(|name| TableName::new("public", *name)).collect()
    }

    #[test]
    fn parents_are_written_first_and_thinned_last() {
        let names = names(&["line", "log", "order", "tree"]);
        let names: Vec<&TableName> = names.iter().collect();
        let task = |table, pass, after: &[usize]| Task {
            table,
            fk_cycle: Vec::new(),
            pass,
            after: after.to_vec(),
            perhaps: Vec::new(),
        };
        assert_eq!(
            ordered(
                &names,
                &[key("line", "order"), key("tree", "tree"), key("x", "order")],
                &[],
                ForeignKey::has_columns
            ),
            [
                task(0, Pass::Write, &[2]),
                task(1, Pass::Whole, &[]),
                task(2, Pass::Write, &[]),
                task(3, Pass::Whole, &[]),
                task(0, Pass::Delete, &[0]),
                task(2, Pass::Delete, &[4, 2]),
            ]
        );
    }

    #[test]
    fn what_a_function_names_orders_and_holds_nothing_up() {
        let names = names(&["a", "b", "c"]);
        let names: Vec<&TableName> = names.iter().collect();
        let named = |child, parent| ForeignKey { child_columns: Vec::new(), ..key(child, parent) };
        let keys = [named("a", "b"), key("a", "c"), named("a", "c")];
        let write = &ordered(&names, &keys, &[], ForeignKey::has_columns)[0];
        assert_eq!(write.after, [2, 1]);
        assert_eq!(write.perhaps, [1]);
    }

    #[test]
    fn a_cycle_is_found_and_orders_no_writes() {
        let names = names(&["a", "b", "c"]);
        let names: Vec<&TableName> = names.iter().collect();
        let keys = [key("a", "b"), key("b", "a"), key("c", "a")];
        assert_eq!(cycles(&names, &keys), [vec![0, 1]]);
        let tasks = ordered(&names, &keys, &[], ForeignKey::has_columns);
        let after: Vec<&[usize]> = tasks.iter().map(|task| &task.after[..]).collect();
        // Three writes, then three deletes.
        assert_eq!(after, [&[][..], &[], &[0], &[5, 0, 1], &[1, 0], &[2]]);
    }

    #[test]
    fn a_cycle_with_a_deferrable_key_is_one_task() {
        let names = names(&["a", "b", "c", "d"]);
        let names: Vec<&TableName> = names.iter().collect();
        let deferrable = ForeignKey { deferrable: true, ..key("b", "c") };
        let keys = [key("c", "b"), deferrable, key("a", "b"), key("c", "d")];
        let rings = rings(&names, &keys);
        assert_eq!(rings, [vec![1, 2]]);
        let task = |table, ring: &[usize], pass, after: &[usize]| Task {
            table,
            fk_cycle: ring.to_vec(),
            pass,
            after: after.to_vec(),
            perhaps: Vec::new(),
        };
        assert_eq!(
            ordered(&names, &keys, &rings, ForeignKey::has_columns),
            [
                task(0, &[], Pass::Write, &[1]),
                task(1, &[2], Pass::Write, &[2]),
                task(3, &[], Pass::Write, &[]),
                task(0, &[], Pass::Delete, &[0]),
                task(1, &[2], Pass::Delete, &[3, 1]),
                task(3, &[], Pass::Delete, &[4, 2]),
            ]
        );
    }
}
