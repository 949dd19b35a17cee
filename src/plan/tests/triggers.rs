//! Triggers and rules of the target.

use serde_json::json;

use super::{column, context, read, table};
use crate::plan::PlanContext;
use crate::plan::references::{Checked, References};
use crate::plan::triggers::{firing, to_disable};

use crate::table::Table;

fn all(checked: bool) -> Checked {
    keys(checked).checked(&table("item", &[]).name)
}

/// No foreign key, and whether the role checks some by itself.
fn keys(checked: bool) -> References {
    References { replica_role: !checked, ..References::default() }
}

/// A table with one trigger that fires so (`tgenabled`).
fn with_trigger(fires: &str) -> Table {
    let trigger = json!({
        "name": "touch", "fires": fires, "internal": false, "on": {"schema": "public", "name": "item"},
    });
    Table { triggers: vec![read(trigger)], ..table("item", &[column("id", "int4", -1)]) }
}

#[test]
fn a_trigger_is_disabled_where_it_would_fire_and_fires_where_its_owner_says_so() {
    // tgenabled; in the replica role: disabled, fires; outside of it: disabled, fires.
    let cases = [
        ("O", (false, false), (true, false)),
        ("A", (false, true), (false, true)),
        ("R", (false, true), (false, false)),
        ("D", (false, false), (false, false)),
    ];
    for (fires, in_role, outside) in cases {
        for (checked, expected) in [(false, in_role), (true, outside)] {
            let item = with_trigger(fires);
            let disabled =
                to_disable(&item, &keys(checked), &context()).expect("it is the owner's");
            let found = (!disabled.is_empty(), !firing(&item, all(checked), &context()).is_empty());
            assert_eq!(found, expected, "{fires}, checked: {checked}");
        }
    }
}

#[test]
fn triggers_that_are_asked_for_fire() {
    let context = PlanContext { fire_triggers: true, ..context() };
    for (fires, expected) in [("O", true), ("A", true), ("R", false), ("D", false)] {
        let item = with_trigger(fires);
        assert_eq!(!firing(&item, all(true), &context).is_empty(), expected, "{fires}");
        assert_eq!(to_disable(&item, &keys(true), &context).expect("nothing is disabled"), []);
    }
}

#[test]
fn who_may_not_disable_a_trigger_is_told_what_to_do() {
    let item = Table { owned: false, ..with_trigger("O") };
    let refused =
        to_disable(&item, &keys(true), &context()).expect_err("the role is not the owner");
    let refused = refused.to_string();
    assert!(refused.starts_with("triggers of the target would fire on copied rows, "), "{refused}");
    assert!(refused.contains("-fire-triggers"), "{refused}");
    assert_eq!(to_disable(&item, &keys(false), &context()).expect("nothing fires in the role"), []);
}

#[test]
fn a_rule_that_would_rewrite_what_is_written_is_refused() {
    for (fires, checked, refused) in [
        ("A", false, true),
        ("O", false, false),
        ("O", true, true),
        ("R", false, true),
        ("D", true, false),
    ] {
        let rule = read(json!({"name": "watch", "fires": fires}));
        let item = Table { rules: vec![rule], ..table("item", &[column("id", "int4", -1)]) };
        assert_eq!(
            to_disable(&item, &keys(checked), &context()).is_err(),
            refused,
            "{fires} {checked}"
        );
    }
}
