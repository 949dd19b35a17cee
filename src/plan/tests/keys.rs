//! What tells rows apart.

use super::{Case, column, key, table};
use crate::table::{Key, Table};

fn item(keys: Vec<Key>) -> Table {
    let columns = ["id", "a", "b"].map(|name| column(name, "int4", -1));
    Table { keys, ..table("item", &columns) }
}

/// The columns of the key that is chosen.
fn chosen(source: Vec<Key>, target: Vec<Key>) -> Vec<String> {
    let case = Case { source: item(source), ..Case::of(item(target)) };
    let plan = case.plan().expect("a plan");
    plan.mapping.key.iter().map(|column| column.name.as_str().to_owned()).collect()
}

#[test]
fn the_key_is_unique_on_both_sides_and_the_primary_one_if_it_can_be() {
    let primary = || key("pk", true, &["id"]);
    let other = || key("other", false, &["a", "b"]);
    let turned = || key("turned", false, &["b", "a"]);
    let late = || Key { deferrable: true, ..key("pk", true, &["id"]) };
    let cases = [
        (vec![primary(), other()], vec![primary(), other()], vec!["id"]),
        (vec![other()], vec![primary(), other()], vec!["a", "b"]),
        (vec![turned()], vec![other()], vec!["a", "b"]),
        (vec![primary()], vec![other()], vec![]),
        (vec![], vec![primary()], vec![]),
        (vec![primary(), other()], vec![late(), other()], vec!["a", "b"]),
        (vec![primary()], vec![late()], vec!["id"]),
    ];
    for (source, target, expected) in cases {
        assert_eq!(chosen(source.clone(), target.clone()), expected, "{source:?} {target:?}");
    }
}

#[test]
fn an_index_that_does_not_compare_as_its_column_does_is_no_key() {
    let mut vague = key("vague", false, &["a"]);
    vague.columns[0].as_column = false;
    vague.columns[0].nondeterministic = true;
    assert_eq!(chosen(vec![vague.clone()], vec![vague.clone()]), Vec::<String>::new());
    let exact = || key("exact", false, &["a"]);
    assert_eq!(chosen(vec![vague, exact()], vec![exact()]), ["a"]);
}

#[test]
fn a_column_of_the_key_is_set_only_where_equal_values_can_differ() {
    let settable = |kind: &str| {
        let columns = [column("id", kind, -1), column("body", "text", -1)];
        let item = Table { keys: vec![key("pk", true, &["id"])], ..table("item", &columns) };
        let plan = Case::of(item).plan().expect("a plan");
        let columns = plan.mapping.columns.iter().filter(|column| column.updatable);
        columns.map(|column| column.name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(settable("int4"), ["body"]);
    assert_eq!(settable("numeric"), ["id", "body"], "1.0 equals 1.00");
}
