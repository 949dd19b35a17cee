//! What a user sees of `-include` and `-exclude`.

use crate::select::*;

fn tables(names: &[&str]) -> Vec<TableName> {
    let table = |name: &&str| match name.split_once('/') {
        Some((schema, name)) => TableName::new(schema, name),
        None => TableName::new("public", *name),
    };
    names.iter().map(table).collect()
}

fn texts(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|text| text.to_string()).collect()
}

/// The selected names joined, then each remark, one per line; or the error.
fn selected(existing: &[&str], include: &[&str], exclude: &[&str]) -> String {
    let barred = [
        ("sync_log", NotSyncable::SyncLog),
        ("ops/old", NotSyncable::TargetOnly),
        ("[gone", NotSyncable::TargetOnly),
        ("totals", NotSyncable::Kind("a view".to_owned())),
        ("app/item", NotSyncable::OtherSchema),
    ];
    let barred = barred.map(|(name, why)| Barred { name: tables(&[name]).remove(0), why });
    match select(&tables(existing), Some(&barred), &texts(include), &texts(exclude)) {
        Ok(selection) => {
            let names: Vec<String> = selection.tables.iter().map(TableName::to_string).collect();
            let remarks = selection.remarks.iter().map(|remark| format!("\n{remark}"));
            names.join(" ") + &remarks.collect::<String>()
        }
        Err(error) => format!("error: {error}"),
    }
}

const SHOP: &[&str] =
    &["users", "user_roles", "orders", "order_log", "temp_x", "audit_1", "audit_x"];

#[test]
fn include_and_exclude_combine_and_exclude_wins() {
    let cases: &[(&[&str], &[&str], &str)] = &[
        (
            &["user*", "order*"],
            &["temp_*", "*_log", "audit_[0-9]*"],
            "public.users public.user_roles public.orders",
        ),
        (
            &[],
            &["temp_*", "*_log", "audit_[0-9]*"],
            "public.users public.user_roles public.orders public.audit_x",
        ),
        (&["users", "users", "public.users", "u*s"], &[], "public.users public.user_roles"),
        (&["orders", "users"], &["public.orders"], "public.users"),
        (
            &["users", "x_*"],
            &["y_*", "z"],
            "public.users\n-include pattern \"x_*\" matches no table\n\
             -exclude pattern \"y_*\" matches no table\n\
             -exclude names \"z\", which no table of the selected schemas is called: it leaves nothing out",
        ),
    ];
    for (include, exclude, expected) in cases {
        assert_eq!(selected(SHOP, include, exclude), *expected, "{include:?} {exclude:?}");
    }
}

#[test]
fn an_exact_name_wins_before_it_is_read_as_a_pattern() {
    let odd = &["a[1]", "a1", "x*", "xy", "a.b", "a/b", "Users", "users", "a{b,c}", "app/users"];
    let cases = [
        ("a[1]", "public.a[1]"),
        ("public.a[1]", "public.a[1]"),
        ("x*", "public.x*"),
        ("x?", "public.x* public.xy"),
        ("a.b", "public.a.b"),
        ("public.a.b", "public.a.b"),
        ("a.[b]", "a.b"),
        ("Users", "public.Users"),
        ("users", "public.users app.users"),
        ("app.users", "app.users"),
        ("app.*", "app.users"),
        ("a{b,c}", "public.a{b,c}"),
    ];
    for (pattern, expected) in cases {
        assert_eq!(selected(odd, &[pattern], &[]), expected, "{pattern}");
    }
}

#[test]
fn a_missing_include_names_what_is_near_and_all_problems_come_at_once() {
    assert_eq!(
        selected(SHOP, &["usres", "audit_2", "public.order", "qqqqqqqqq", "[a"], &["[b"]),
        "error: \
         -include (includeTables): no table \"usres\" in the selected schemas; \
         did you mean public.users?\n\
         -include (includeTables): no table \"audit_2\" in the selected schemas; \
         did you mean public.audit_1 or public.audit_x?\n\
         -include (includeTables): no table \"public.order\" in the selected schemas; \
         did you mean public.orders?\n\
         -include (includeTables): no table \"qqqqqqqqq\" in the selected schemas; there are \
         public.users, public.user_roles, public.orders, public.order_log, public.temp_x, \
         public.audit_1, public.audit_x\n\
         -include (includeTables): pattern \"[a\" has a [ without a ]; a [ in a name is written [[]\n\
         -exclude (excludeTables): pattern \"[b\" has a [ without a ]; a [ in a name is written [[]"
    );
}

#[test]
fn what_can_never_be_selected_is_named_for_what_it_is() {
    assert_eq!(
        selected(SHOP, &["sync_log", "public.sync_log", "ops.old", "old"], &[]),
        "error: -include (includeTables): \"sync_log\" is a log of pgsync's own runs, which is never synced\n\
         -include (includeTables): \"public.sync_log\" is a log of pgsync's own runs, which is never synced\n\
         -include (includeTables): \"ops.old\" is on the target only: there is nothing on the source \
         to bring it in sync with\n\
         -include (includeTables): \"old\" is on the target only: there is nothing on the source to \
         bring it in sync with"
    );
    assert_eq!(selected(SHOP, &["users"], &["sync_log", "old", "totals"]), "public.users");
    assert_eq!(
        selected(SHOP, &["totals", "item", "app.item", "\"users\"", "public.\"users\""], &[]),
        "error: -include (includeTables): \"totals\" is a view: only tables are synced\n\
         -include (includeTables): \"item\" is a table of the schema app, which is not selected: add app to -schema\n\
         -include (includeTables): \"app.item\" is a table of the schema app, which is not selected: add app to -schema\n\
         -include (includeTables): names stand without SQL's quotes here: users, and not \"users\"\n\
         -include (includeTables): names stand without SQL's quotes here: public.users, and not public.\"users\""
    );
}

#[test]
fn a_partition_that_is_asked_for_is_named_with_its_table() {
    let root = || TableName::new("public", "users");
    let name = TableName::new("public", "users_1");
    let barred = [Barred { name, why: NotSyncable::Partition(root()) }];
    let existing = [root()];
    let asked = texts(&["users_1"]);
    let excluded = select(&existing, Some(&barred), &[], &asked).unwrap();
    assert_eq!(
        excluded.remarks[0].to_string(),
        "-exclude names \"users_1\", a partition of public.users: its rows are that table's, and \
         travel with it"
    );
    assert_eq!(
        select(&existing, Some(&barred), &asked, &[]).unwrap_err().to_string(),
        "-include (includeTables): \"users_1\" is a partition of public.users: select public.users, and the rows \
         of all its partitions come with it"
    );
}

#[test]
fn an_excluded_name_that_is_mistyped_is_an_error_for_its_table_would_travel() {
    let existing = ["Mixed Case", "users", "log_2024", "orders"];
    assert_eq!(
        selected(&existing, &[], &["usres", "public.order", "\"Mixed Case\"", "\"Mix*\""]),
        "error: \
         -exclude (excludeTables): names stand without SQL's quotes here: Mixed Case, and not \"Mixed Case\"\n\
         -exclude (excludeTables): names stand without SQL's quotes here: Mix*, and not \"Mix*\"\n\
         -exclude (excludeTables): no table \"usres\" in the selected schemas; did you mean public.users? If only \
         some databases have it, write it as a pattern: [u]sres\n\
         -exclude (excludeTables): no table \"public.order\" in the selected schemas; did you mean public.orders? \
         If only some databases have it, write it as a pattern: public.[o]rder"
    );
    let none = |text: &str| {
        format!(
            "\n-exclude names \"{text}\", which no table of the selected schemas is called: it leaves nothing out"
        )
    };
    // Tables come and go; of numbered ones each name may be right, and what does not travel anyway is not meant.
    for exclude in ["log_2023", "tmp_import", "usres"] {
        let expected = format!("public.log_2024{}", none(exclude));
        assert_eq!(selected(&existing, &["log_*"], &[exclude]), expected);
    }
    let pattern = selected(&["users"], &[], &["[u]sres", "app.[t]mp"]);
    assert!(pattern.starts_with("public.users\n"), "{pattern}");
    // Where views and the like are not known, the name may be that of one.
    let unknown = select(&tables(SHOP), None, &texts(&["users"]), &texts(&["usres"])).unwrap();
    assert_eq!((unknown.tables, unknown.remarks), (tables(&["users"]), vec![]));
}

#[test]
fn a_selection_of_nothing_says_what_there_is() {
    assert_eq!(
        selected(&["a", "b"], &["x*"], &[]),
        "error: no table selected by -include (includeTables) \"x*\" (patterns match no views and no partitions); there are public.a, public.b"
    );
    assert_eq!(
        selected(&["a", "b"], &["billing.*"], &[]),
        "error: -include (includeTables): \"billing.*\" names the schema billing, which is not selected: add billing to -schema"
    );
    let many: Vec<String> = (10..23).map(|i| format!("t{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        selected(&many, &[], &["*"]),
        "error: no table selected by -exclude (excludeTables) \"*\"; there are public.t10, public.t11, public.t12, public.t13, public.t14, public.t15, public.t16, \
         public.t17, public.t18, public.t19 and 3 more"
    );
    assert_eq!(
        selected(&[], &[], &[]),
        "error: no table to sync: the selected schemas have none (-schema)"
    );
}

#[test]
fn a_wildcard_of_sql_is_told_apart_from_those_of_patterns() {
    assert_eq!(
        selected(&["customer", "50%"], &["cust%"], &[]),
        "error: -include (includeTables): no table \"cust%\" in the selected schemas; a pattern is written with *: \"cust*\""
    );
    assert_eq!(selected(&["customer", "50%"], &["50%"], &[]), "public.50%");
}

#[test]
fn an_exact_name_counts_also_where_it_would_be_a_malformed_pattern() {
    let odd = &["[x", "[z-a]", "[", "y"];
    for name in ["[x", "[z-a]", "["] {
        assert_eq!(selected(odd, &[name], &[]), format!("public.{name}"));
        let full = format!("public.{name}");
        assert_eq!(selected(odd, &[&full], &[]), full);
        let others = odd.iter().filter(|other| **other != name);
        let others: Vec<String> = others.map(|other| format!("public.{other}")).collect();
        assert_eq!(selected(odd, &[], &[name]), others.join(" "));
    }
    assert_eq!(
        selected(odd, &["ops.[o"], &[]),
        "error: -include (includeTables): pattern \"ops.[o\" has a [ without a ]; \
         a [ in a name is written [[]"
    );
    assert_eq!(
        selected(odd, &["[gone"], &["[gone"]),
        "error: -include (includeTables): \"[gone\" is on the target only: there is nothing on the \
         source to bring it in sync with"
    );
}

#[test]
fn a_pattern_that_only_differs_in_case_is_told_with_the_tables_that_are_meant() {
    let existing = ["Mixed Case", "users"];
    assert_eq!(
        selected(&existing, &["mixed*"], &[]),
        "error: no table selected by -include (includeTables) \"mixed*\" (patterns match no views and no partitions); upper and lower \
         case count: in another case, there is public.Mixed Case"
    );
    assert_eq!(
        selected(&existing, &["\"Mixed\""], &[]),
        "error: -include (includeTables): no table \"\"Mixed\"\" in the selected schemas; names stand without SQL's quotes here; there are \
         public.Mixed Case, public.users"
    );
}
