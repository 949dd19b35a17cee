//! Which of several rules counts, and what is said of those that fit no table.

use crate::config::{Environment, FileText, Flags, Setting, Settings, resolve};
use crate::ident::{Ident, TableName};
use crate::rules::*;

/// The settings of a config file with these tables, of flags and of `-set`.
fn settings(file: &str, flags: &[(Setting, &str)], set: &[&str]) -> Settings {
    let text =
        format!(r#"{{"sourceDb": "host=s", "targetDb": "host=t", "maskKey": "env:KEY", {file}}}"#);
    let values = flags.iter().map(|(setting, text)| (*setting, vec![text.to_string()]));
    let flags = Flags {
        values: values.collect(),
        config: Some("c.json".into()),
        set: set.iter().map(|text| text.to_string()).collect(),
        ..Flags::default()
    };
    let read = |_: &str| Ok(Some(FileText { text: text.clone(), mode: 0o600 }));
    let variables = [("USER", "ann"), ("KEY", "0123456789abcdef")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    *resolve(flags, &Environment { variables, read: &read }).unwrap().settings
}

/// Each masked column with its mask, then each kept one.
fn handled(rules: &TableRules) -> String {
    let masks =
        rules.mask.iter().map(|(column, mask)| format!("{}={}", column.as_str(), mask.name()));
    let kept = rules.keep.0.iter().map(|column| format!("{} kept", column.text));
    masks.chain(kept).collect::<Vec<_>>().join(", ")
}

/// Flags with their values.
type FlagValues<'a> = &'a [(Setting, &'a str)];

const NO_FLAG: FlagValues<'_> = &[];

#[test]
fn the_more_special_entry_counts_key_by_key() {
    let cases: &[(&str, FlagValues<'_>, &[&str], u64)] = &[
        (r#""tables": {}"#, NO_FLAG, &[], 1000),
        (r#""batchSize": 1"#, NO_FLAG, &[], 1),
        (r#""defaults": {"batchSize": 2}"#, NO_FLAG, &[], 2),
        (r#""defaults": {"batchSize": 2}"#, &[(Setting::BatchSize, "3")], &[], 3),
        (r#""batchSize": 1"#, &[(Setting::BatchSize, "3")], &[], 3),
        (r#""tables": {"*": {"batchSize": 4}}"#, &[(Setting::BatchSize, "3")], &[], 4),
        (r#""tables": {"app.*": {"batchSize": 5}, "*": {"batchSize": 4}}"#, NO_FLAG, &[], 5),
        (r#""tables": {"app.*": {"batchSize": 5}, "o*": {"batchSize": 6}}"#, NO_FLAG, &[], 6),
        (r#""tables": {"app.o*": {"batchSize": 7}, "o*": {"batchSize": 6}}"#, NO_FLAG, &[], 7),
        (r#""tables": {"app.o*": {"batchSize": 7}, "orders": {"batchSize": 8}}"#, NO_FLAG, &[], 8),
        (
            r#""tables": {"app.orders": {"batchSize": 9}, "orders": {"batchSize": 8}}"#,
            NO_FLAG,
            &[],
            9,
        ),
        (r#""tables": {"orders": {"batchSize": 8}, "other": {"batchSize": 9}}"#, NO_FLAG, &[], 8),
        (r#""tables": {"orders": {"batchSize": null, "_batchSize": 9}}"#, NO_FLAG, &[], 1000),
        (
            r#""tables": {"app.orders": {"batchSize": 9}}"#,
            &[(Setting::BatchSize, "3")],
            &["*.batchSize=10"],
            10,
        ),
        (r#""tables": {}"#, NO_FLAG, &["o*.batchSize=11", "*.batchSize=10"], 11),
        (r#""tables": {}"#, NO_FLAG, &["o*.batchSize=11", "o*.batchSize=12"], 12),
        (r#""tables": {"orders": {"skip": true}, "*": {"batchSize": 4}}"#, NO_FLAG, &[], 4),
    ];
    for (file, flags, set, expected) in cases {
        let rules = settings(file, flags, set).rules.effective(&TableName::new("app", "orders"));
        assert_eq!(rules.batch_size, *expected, "{file} {flags:?} {set:?}");
    }
}

#[test]
fn masks_and_kept_columns_are_united_column_by_column() {
    let cases = [
        (
            r#""tables": {"*": {"mask": {"email": "email"}}, "orders": {"mask": {"note": "redact"}}}"#,
            "email=email, note=redact",
        ),
        (
            r#""tables": {"*": {"mask": {"email": "email"}}, "orders": {"mask": {"email": "null"}}}"#,
            "email=null",
        ),
        (
            r#""tables": {"*": {"mask": {"email": "email"}}, "orders": {"keep": ["email"]}}"#,
            "email kept",
        ),
        (
            r#""tables": {"*": {"keep": ["email"]}, "orders": {"mask": {"email": "email"}}}"#,
            "email=email",
        ),
        (
            r#""keep": ["*.currency", "other.x"], "tables": {"o*": {"keep": ["state"]}}"#,
            "currency kept, state kept",
        ),
        (
            r#""keep": ["*.currency"], "tables": {"*": {"mask": {"currency": "text"}}}"#,
            "currency=text",
        ),
        (
            r#""tables": {"*": {"mask": {"email": "email"}}, "orders": {"keep": ["e*"]}}"#,
            "email=email, e* kept",
        ),
        (
            r#""defaults": {"mask": {"email": "email"}}, "tables": {"x": {"keep": ["email"]}}"#,
            "email=email",
        ),
    ];
    for (file, expected) in cases {
        let rules = settings(file, NO_FLAG, &[]).rules.effective(&TableName::new("app", "orders"));
        assert_eq!(handled(&rules), expected, "{file}");
    }
}

#[test]
fn a_rule_tells_where_it_was_given() {
    let file = r#""parallel": 2, "timestampColumn": "t", "defaults": {"ddl": "none"},
        "tables": {"o/d~*": {"mask": {"e/m": "email"}}}"#;
    let settings = settings(file, &[(Setting::BatchSize, "3")], &["*.mode=upsert"]);
    let rules = settings.rules.effective(&TableName::new("app", "o/d~x"));
    let origin = |key| rules.origin(key).map(ToString::to_string).unwrap_or_default();
    assert_eq!(origin(Key::TimestampColumn), "c.json: /timestampColumn");
    assert_eq!(origin(Key::Ddl), "c.json: /defaults/ddl");
    assert_eq!(origin(Key::BatchSize), "-batch-size");
    assert_eq!(origin(Key::Mode), "-set *.mode");
    assert_eq!(origin(Key::Strategy), "");
    let masked = rules.mask_origin(&Ident::new("e/m")).map(ToString::to_string);
    assert_eq!(masked.as_deref(), Some("c.json: /tables/o~1d~0*/mask/e~1m"));
    assert!(!rules.deletes && rules.ddl == Ddl::None && settings.ddl == Ddl::None);
}

#[test]
fn a_rule_on_the_command_line_is_json_or_text() {
    let table = TableName::new("public", "a.b=c\"");
    let set = |rule: &str| {
        let rule = format!("{table}.{rule}");
        settings(r#""tables": {}"#, NO_FLAG, &[&rule]).rules.effective(&table)
    };
    let filter = set("where=created_at > now() - interval '90 days'").filter;
    assert_eq!(filter.as_deref(), Some("created_at > now() - interval '90 days'"));
    assert_eq!(set("where=true").filter.as_deref(), Some("true"));
    assert_eq!(set(r#"where="${A}" = 1"#).filter.as_deref(), Some(r#""${A}" = 1"#));
    assert_eq!(set("key=a, b").key, Some(vec![Ident::new("a"), Ident::new("b")]));
    assert_eq!(set(r#"key=["a, b"]"#).key, Some(vec![Ident::new("a, b")]));
    assert!(set("skip=yes").skip && !set("deletes=false").deletes);
    assert_eq!(set("maxDelete=20%").max_delete, Some(MaxDelete::Share(0.2)));
    assert_eq!(set("maxDelete=20").max_delete, Some(MaxDelete::Rows(20)));
    assert_eq!(set("maxDelete=off").max_delete, None);
    assert_eq!(handled(&set(r#"mask={"a": {"hash": 8}}"#)), "a=hash");
    assert_eq!(set("targetTable=s.t").target_name(&table), TableName::new("s", "t"));
}

#[test]
fn rules_that_fit_no_table_or_column_are_told_all_at_once() {
    let file = r#""defaults": {"mask": {"*.mail": "email", "note": "null"}}, "keep": ["*.currency", "usr.name", "users.nme"], "maxDeleteByTable": {"gone": 1}, "tables": {
        "ordrs": {}, "public.user": {}, "temp_*": {}, "log.*": {},
        "users": {"columns": ["id", "emial"], "key": ["uid"], "rename": {"nam": "x"},
            "mask": {"e-mail": "email", "born": {"date.shift": {"by": "idd"}}}, "keep": ["nope*", "zzzzzz"]},
        "*": {"excludeColumns": ["note", "nowhere"], "timestampColumn": "created"}}"#;
    let settings = settings(file, NO_FLAG, &["usres.skip=true", "users.timestampColumn=bron"]);
    let [users, orders] = ["users", "orders"].map(|name| TableName::new("public", name));
    let columns = |names: &[&str]| names.iter().map(|name| Ident::new(*name)).collect::<Vec<_>>();
    let of_users = columns(&["id", "email", "name", "born"]);
    let of_orders = columns(&["id", "note", "currency"]);
    let staged = Ident::new("zzzzzz");
    let tables = [
        SourceColumns {
            table: &users,
            columns: of_users.iter().collect(),
            key: Vec::new(),
            timeless: Vec::new(),
            new: Vec::new(),
            only_on_target: vec![&staged],
        },
        SourceColumns {
            table: &orders,
            columns: of_orders.iter().collect(),
            key: Vec::new(),
            timeless: Vec::new(),
            new: Vec::new(),
            only_on_target: Vec::new(),
        },
    ];
    assert_eq!(
        settings.rules.problems(&tables).join("\n"),
        r#"c.json: /keep/1: "usr" is no table of the selected schemas on the source; did you mean "users"?
c.json: /tables/log.*: "log.*" is no table of the selected schemas on the source
c.json: /tables/ordrs: "ordrs" is no table of the selected schemas on the source; did you mean "orders"?
c.json: /tables/public.user: "public.user" is no table of the selected schemas on the source; did you mean "public.users"?
c.json: /tables/temp_*: "temp_*" is no table of the selected schemas on the source
-set usres: "usres" is no table of the selected schemas on the source; did you mean "users"?
c.json: /keep/2: public.users has no column "nme"; did you mean "name"?
c.json: /defaults/mask/*.mail: none of these 2 tables has a column "*.mail"; did you mean "email"?
c.json: /tables/*/excludeColumns: none of these 2 tables has a column "nowhere"
c.json: /tables/*/timestampColumn: none of these 2 tables has a column "created"
c.json: /tables/users/columns: public.users has no column "emial"; did you mean "email"?
c.json: /tables/users/keep: only the target has the column "zzzzzz" of public.users: if the source has renamed it, give its new name here; else take it out here, for a column of the target alone needs no rule
c.json: /tables/users/key: public.users has no column "uid"; did you mean "id"?
c.json: /tables/users/mask/born/date.shift/by: public.users has no column "idd"; did you mean "id"?
c.json: /tables/users/mask/e-mail: public.users has no column "e-mail"; did you mean "email"?
c.json: /tables/users/rename/nam: public.users has no column "nam"; did you mean "name"?
-set users.timestampColumn: public.users has no column "bron"; did you mean "born"?"#
    );
}

#[test]
fn entries_of_one_rank_may_not_contradict_each_other() {
    let table = TableName::new("public", "orders");
    let columns = [Ident::new("email")];
    let tables = [SourceColumns {
        table: &table,
        columns: columns.iter().collect(),
        key: Vec::new(),
        timeless: Vec::new(),
        new: Vec::new(),
        only_on_target: Vec::new(),
    }];
    let end = "contradict each other for public.orders; give the rule under the table's name";
    let cases: &[(&str, &[&str], &str)] = &[
        (r#""tables": {"o*": {"batchSize": 1}, "*s": {"batchSize": 1}}"#, &[], ""),
        (
            r#""tables": {"o*": {"batchSize": 1}, "*s": {"batchSize": 2}}"#,
            &[],
            "c.json: /tables/*s/batchSize and c.json: /tables/o*/batchSize",
        ),
        (
            r#""tables": {"o*": {"batchSize": 1}, "*s": {"batchSize": 2}, "orders": {"batchSize": 3}}"#,
            &[],
            "",
        ),
        (r#""tables": {"o*": {"batchSize": 1}, "*s": {"batchSize": 2}}"#, &["*.batchSize=1"], ""),
        (
            r#""tables": {"o*": {"mask": {"email": "email"}}, "*s": {"mask": {"email": "null"}}}"#,
            &[],
            "c.json: /tables/*s/mask/email and c.json: /tables/o*/mask/email",
        ),
        (
            r#""tables": {"o*": {"mask": {"email": "email"}}, "*s": {"keep": ["email"]}}"#,
            &[],
            "c.json: /tables/*s/keep and c.json: /tables/o*/mask/email",
        ),
        (r#""tables": {}"#, &["o*.skip=true", "o*.skip=false"], ""),
        (r#""tables": {}"#, &["o*.skip=true", "*s.skip=false"], "-set o*.skip and -set *s.skip"),
        (
            r#""tables": {"orders": {"maxDelete": 1}}, "maxDeleteByTable": {"orders": 2}"#,
            &[],
            "c.json: /maxDeleteByTable/orders and c.json: /tables/orders/maxDelete",
        ),
    ];
    for (file, set, expected) in cases {
        let problems = settings(file, NO_FLAG, set).rules.problems(&tables).join("\n");
        let expected =
            if expected.is_empty() { String::new() } else { format!("{expected} {end}") };
        assert_eq!(problems, expected, "{file} {set:?}");
    }
}
