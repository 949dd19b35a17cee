//! Which strategy a table gets, and what is in its way.

use std::sync::Arc;

use super::{Case, column, key, table};
use crate::outcome::Strategy;
use crate::plan::{LastRun, PlanContext, TablePlan};
use crate::table::Table;

const MOMENT: &str = "2024-01-01 00:00:00";
const LATER: &str = "2024-02-01 00:00:00";

/// `item (id int primary key, body text, updated_at timestamptz)`.
fn item() -> Table {
    let columns = [
        column("id", "int4", -1),
        column("body", "text", -1),
        column("updated_at", "timestamptz", -1),
    ];
    Table { keys: vec![key("pk", true, &["id"])], ..table("item", &columns) }
}

/// What a run left that was for the same plan, and came to its end.
fn after(case: Case) -> Case {
    let fingerprint = case.plan().expect("a plan").fingerprint;
    let last = LastRun {
        watermark: Some(LATER.to_owned()),
        settled: Some(MOMENT.to_owned()),
        fingerprint: Some(fingerprint),
        source: None,
        rows: None,
        written_as: None,
        interrupted: false,
        failed: false,
    };
    Case { last: Some(last), ..case }
}

fn planned(case: Case) -> TablePlan {
    case.plan().expect("a plan")
}

#[test]
fn the_strategy_follows_from_what_is_there_and_what_is_known() {
    let changed = |change: fn(&mut LastRun)| {
        let mut case = after(Case::of(item()));
        case.last.iter_mut().for_each(change);
        case
    };
    let without_key = Table { keys: Vec::new(), ..item() };
    let without_time = table("item", &item().columns[..2]);
    let followed_by_others = Table { subscribed: true, ..item() };
    let reconciled = Case {
        context: PlanContext { reconcile: true, ..super::context() },
        ..after(Case::of(item()))
    };
    let cases = [
        ("empty", Case { is_empty: true, ..Case::of(item()) }, Strategy::Copy),
        ("a first run", Case::of(item()), Strategy::Compare),
        ("a run before", after(Case::of(item())), Strategy::Incremental),
        ("emptied since", Case { is_empty: true, ..after(Case::of(item())) }, Strategy::Copy),
        ("another fingerprint", changed(|last| last.fingerprint = None), Strategy::Compare),
        ("distrusted", changed(|last| last.watermark = None), Strategy::Compare),
        (
            "the clock was set back",
            changed(|last| last.settled = Some("2024-12-13 15:25:31+00".to_owned())),
            Strategy::Compare,
        ),
        (
            "the clock stands still",
            changed(|last| last.settled = Some("2024-12-13 15:25:30.9+00".to_owned())),
            Strategy::Incremental,
        ),
        ("never ended", changed(|last| last.settled = None), Strategy::Compare),
        ("without a key", after(Case::of(without_key)), Strategy::Compare),
        ("without a timestamp", after(Case::of(without_time)), Strategy::Compare),
        ("a subscription", after(Case::of(followed_by_others)), Strategy::Compare),
        ("-reconcile", reconciled, Strategy::Compare),
    ];
    for (what, case, expected) in cases {
        assert_eq!(planned(case).strategy, expected, "{what}");
    }
}

#[test]
fn reading_goes_on_where_the_last_run_got_to_and_all_since_it_settled_has_to_be_equal() {
    let plan = planned(after(Case::of(item())));
    assert_eq!(plan.watermark.as_deref(), Some(MOMENT));
    assert_eq!(plan.reads_from(), Some(LATER));
    assert_eq!(planned(Case::of(item())).reads_from(), None);
}

#[test]
fn the_timestamp_travels_first() {
    let plan = planned(Case::of(item()));
    let names: Vec<&str> = plan.mapping.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["updated_at", "id", "body"]);
}

#[test]
fn a_plan_that_is_resumed_compares_what_was_begun_and_reads_on_from_its_watermark() {
    let copy = planned(Case { is_empty: true, ..Case::of(item()) });
    assert_eq!(copy.resumed(false, None).strategy, Strategy::Copy);
    assert_eq!(copy.resumed(true, None).strategy, Strategy::Compare);
    let followed = planned(after(Case::of(item())));
    let resumed = followed.resumed(true, Some("2024-03-01 00:00:00".to_owned()));
    assert_eq!(resumed.strategy, Strategy::Incremental);
    assert_eq!(resumed.reads_from(), Some("2024-03-01 00:00:00"));
    assert_eq!(resumed.watermark, followed.watermark, "what has to be equal stays");
    let compared = planned(Case::of(item()));
    assert_eq!(compared.resumed(true, Some(LATER.to_owned())).reads_from(), None);
    assert_eq!(compared.of_rows(7).rows, 7);
}

#[test]
fn what_stands_in_the_way_is_named_with_what_to_do() {
    let missing = Case { target: None, ..Case::of(item()) };
    assert!(missing.refusal().contains("create public.item there"), "{}", missing.refusal());
    let hidden = Case::of(Table { row_security: true, ..item() });
    assert!(hidden.refusal().contains("no force row level security"), "{}", hidden.refusal());
    let mut narrow = item();
    Arc::make_mut(&mut narrow.columns)[0] = column("id", "int2", -1);
    let narrow = Case { target: Some(narrow), ..Case::of(item()) };
    assert!(narrow.refusal().contains("id"), "{}", narrow.refusal());
}

#[test]
fn columns_of_the_target_alone_stay_what_they_are() {
    let mut wider = item();
    Arc::make_mut(&mut wider.columns).push(column("note", "text", -1));
    let plan = planned(Case { target: Some(wider), ..Case::of(item()) });
    let own: Vec<&str> = plan.mapping.own.iter().map(|name| name.as_str()).collect();
    assert_eq!(own, ["note"]);
}
