//! Which foreign keys the server has to check.

use super::{foreign_key, references};
use crate::ident::TableName;
use crate::plan::references::References;
use crate::table::ForeignKey;

fn name(table: &str) -> TableName {
    TableName::new("public", table)
}

/// Both sides have these keys between `child` and `parent`.
fn of(source: &[ForeignKey], target: &[ForeignKey]) -> References {
    References {
        source: source.to_vec(),
        target: target.to_vec(),
        ..references(&["child", "parent", "log"])
    }
}

#[test]
fn a_key_that_the_source_keeps_is_not_checked() {
    let key = foreign_key("child", "parent", "parent");
    let renamed = ForeignKey { name: crate::ident::Ident::new("other"), ..key.clone() };
    let not_valid = ForeignKey { validated: false, ..key.clone() };
    let outside = foreign_key("child", "other", "elsewhere");
    let cases: [(&[ForeignKey], &ForeignKey, bool); 7] = [
        (std::slice::from_ref(&key), &key, true),
        (&[renamed], &key, true),
        (&[], &key, false),
        (&[foreign_key("child", "other", "parent")], &key, false),
        (std::slice::from_ref(&not_valid), &key, false),
        (std::slice::from_ref(&not_valid), &not_valid, true),
        (std::slice::from_ref(&outside), &outside, false),
    ];
    for (source, target, sound) in cases {
        let references = of(source, std::slice::from_ref(target));
        assert_eq!(references.is_sound(target), sound, "{source:?}");
        assert_eq!(references.are_checked(&name("child")), !sound, "{source:?}");
        assert!(!references.are_checked(&name("log")), "it has no key");
    }
}

#[test]
fn without_the_replica_role_every_table_is_checked_and_ordered() {
    let key = foreign_key("child", "parent", "parent");
    let keys = [key.clone()];
    let references = References { replica_role: false, ..of(&keys, &keys) };
    assert!(references.are_checked(&name("log")));
    assert_eq!(references.ordering(), keys);
    assert_eq!(references.trusted().count(), 0);
    let in_the_role = of(&keys, &keys);
    assert_eq!(in_the_role.ordering(), []);
    assert_eq!(in_the_role.trusted().cloned().collect::<Vec<_>>(), keys);
}

#[test]
fn what_an_action_of_a_key_changes_is_known() {
    for (on_delete, on_update, changes) in
        [('a', 'a', false), ('n', 'a', true), ('d', 'a', true), ('c', 'a', false), ('a', 'c', true)]
    {
        let key = ForeignKey { on_delete, on_update, ..foreign_key("child", "parent", "parent") };
        let references = of(&[key], &[]);
        let columns = references.fk_action_columns(&name("child"));
        assert_eq!(!columns.is_empty(), changes, "on delete {on_delete}, on update {on_update}");
    }
}

#[test]
fn deletes_reach_rows_that_stay_where_keys_act_or_lie_within_the_table() {
    let cascade = ForeignKey { on_delete: 'c', ..foreign_key("child", "parent", "parent") };
    let plain = foreign_key("log", "parent", "parent");
    let own = foreign_key("parent", "up", "parent");
    let keys = [cascade.clone(), plain, own.clone()];
    let checked = References { replica_role: false, ..of(&keys, &keys) };
    let acting = checked.cascading(&name("parent")).into_iter().map(|one| one.key);
    assert_eq!(acting.collect::<Vec<ForeignKey>>(), [cascade, own]);
    assert_eq!(checked.cascading(&name("child")), []);
    assert_eq!(
        of(&keys, &keys).cascading(&name("parent")),
        [],
        "nothing fires in the replica role"
    );
}

#[test]
fn a_circle_is_recognised() {
    let there = foreign_key("child", "parent", "parent");
    let back = foreign_key("parent", "child", "child");
    let alone = foreign_key("log", "child", "child");
    let references = of(&[], &[there.clone(), back.clone(), alone.clone()]);
    for (key, closes) in [(there, true), (back, true), (alone, false)] {
        assert_eq!(references.closes_a_circle(&key), closes, "{}", key.name.as_str());
    }
}

#[test]
fn writes_of_a_parent_are_checked_only_if_they_change_what_is_referred_to() {
    let (up, down) =
        (foreign_key("child", "parent", "parent"), foreign_key("parent", "child", "child"));
    let loose = foreign_key("log", "parent", "parent");
    let both = [up.clone(), down.clone()];
    let target = [up.clone(), down, loose.clone()];
    let keyed = |columns: &[crate::ident::Ident]| References {
        fixed: [(name("parent"), columns.to_vec())].into(),
        ..of(&both, &target)
    };
    let fixed = keyed(&loose.parent_columns);
    assert!(fixed.are_checked(&name("parent")) && !fixed.are_writes_checked(&name("parent")));
    assert!(fixed.are_writes_checked(&name("log")));
    assert_eq!(fixed.ordering(), [up, loose], "no circle");
    let changing = keyed(&[]);
    assert!(changing.are_writes_checked(&name("parent")));
    assert_eq!(changing.ordering(), target);
}

#[test]
fn rows_are_not_compared_with_those_of_a_table_that_is_rebuilt() {
    let key = foreign_key("child", "parent", "parent");
    let keys = [key.clone()];
    let (child, parent) = (name("child"), name("parent"));
    let checked = References { replica_role: false, ..of(&keys, &keys) };
    for (places, compares) in [
        (vec![&child], true),
        (vec![&parent], true),
        (vec![&child, &parent], false),
        (vec![], false),
    ] {
        let places = places.into_iter().collect();
        assert_eq!(checked.compares_times(&key, &places), compares, "{places:?}");
        assert!(!of(&keys, &keys).compares_times(&key, &places), "nothing is checked");
    }
}

/// Rows that come need no check where a rule keeps others; the rows to which those refer do, when they are deleted.
#[test]
fn rows_that_a_rule_keeps_have_their_parents_checked_alone() {
    let key = foreign_key("child", "parent", "parent");
    let keys = [key.clone()];
    let parent_id = std::collections::HashMap::from([(name("parent"), key.parent_columns.clone())]);
    let kept = References {
        keeping: [name("child")].into(),
        fixed: parent_id.clone(),
        ..of(&keys, &keys)
    };
    assert!(!kept.is_sound(&key) && kept.outlives(&key));
    assert!(!kept.are_writes_checked(&name("child")) && !kept.are_checked(&name("child")));
    assert!(!kept.are_writes_checked(&name("parent")) && kept.are_checked(&name("parent")));
    assert_eq!(kept.ordering(), keys);
    let both = References { keeping: [name("child"), name("parent")].into(), ..kept.clone() };
    assert!(both.is_sound(&key), "the parents stay, too");
    let changing = References { fixed: Default::default(), ..both };
    assert!(!changing.is_sound(&key), "the values of the parents may change");
    assert!(changing.are_writes_checked(&name("parent")));
}
