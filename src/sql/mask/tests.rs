//! Masks as they stand in statements; what they make of values is tried on servers, in `tests/rules/masks.rs`.

use super::{MaskHash, MaskTrial, MaskedColumn, Sample, ValueKind, fits};
use crate::ident::{Ident, TableName};
use crate::rules::{JsonPath, Mask};
use crate::sql::Sql;
use crate::sql::mapping::Relation;
use crate::table::Column;

fn column(type_name: &str, type_modifier: i32) -> Column {
    Column {
        name: Ident::new("v"),
        type_schema: Ident::new("pg_catalog"),
        type_name: Ident::new(type_name),
        type_text: type_name.to_owned(),
        type_modifier,
        not_null: false,
        generated: false,
        identity_always: false,
        identity: false,
        has_default: false,
        unindexed: false,
        inherited: false,
        nondeterministic: false,
        floats: None,
        output: None,
        type_oid: 0,
        parts: Vec::new(),
        definition: String::new(),
    }
}

fn masked(mask: &Mask, type_name: &str, type_modifier: i32, hash: MaskHash) -> Sql {
    let (table, key) = (Ident::new("item"), [Ident::new("id")]);
    let column = column(type_name, type_modifier);
    MaskedColumn { table: &table, column: &column, key: &key, hash }.masked(mask)
}

#[test]
fn a_mask_has_the_type_of_its_column_and_leaves_null_alone() {
    let email = masked(&Mask::Email, "varchar", 24, MaskHash::Sha256);
    assert_eq!(
        email.as_str(),
        "(case when \"item\".\"v\" is not null then pg_catalog.left(pg_catalog.concat('u', \
         pg_catalog.substr(pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(((select \
         pg_catalog.concat(pg_catalog.current_setting('pgsync.mask_key'), pg_catalog.chr(31), 'email', \
         pg_catalog.chr(31))) operator(pg_catalog.||) pg_catalog.lower(\"item\".\"v\"::pg_catalog.text collate \
         pg_catalog.\"C\")), pg_catalog.getdatabaseencoding())), 'hex'), 1, 32), 1, 24), '@example.com'), 20) \
         end)::character varying(20)"
    );
    let hash = masked(&Mask::Hash { digits: 32 }, "text", -1, MaskHash::Md5);
    assert_eq!(
        hash.as_str(),
        "(case when \"item\".\"v\" is not null then pg_catalog.substr(pg_catalog.md5(((select \
         pg_catalog.concat(pg_catalog.current_setting('pgsync.mask_key'), pg_catalog.chr(31), 'hash', \
         pg_catalog.chr(31))) operator(pg_catalog.||) \"item\".\"v\"::pg_catalog.text)), 1, 32) end)::pg_catalog.text"
    );
    let null = masked(&Mask::Null, "int4", -1, MaskHash::Md5);
    assert_eq!(null.as_str(), "(null::integer)");
}

#[test]
fn each_mask_is_for_some_types() {
    let path = |mask| Mask::Json(vec![(JsonPath(vec!["a".to_owned()]), mask)]);
    let cases = [
        (Mask::Email, "text", true),
        (Mask::Email, "int4", false),
        (Mask::Uuid, "uuid", true),
        (Mask::Ip, "cidr", true),
        (Mask::DateYear, "timestamptz", true),
        (Mask::DateYear, "text", false),
        (Mask::NumberRound { step: "10".to_owned() }, "numeric", true),
        (Mask::Null, "point", true),
        (Mask::Empty, "date", false),
        (path(Mask::Email), "jsonb", true),
        (path(Mask::DateYear), "jsonb", false),
        (path(Mask::Email), "text", false),
    ];
    for (mask, type_name, expected) in cases {
        let kind = ValueKind::of(&column(type_name, -1));
        assert_eq!(fits(&mask, kind), expected, "{mask:?} {type_name}");
    }
}

#[test]
fn a_trial_counts_and_reads_nothing_but_masked_columns() {
    let (table, key) = (TableName::new("public", "item"), [Ident::new("id")]);
    let column = column("date", -1);
    let column =
        MaskedColumn { table: &table.name, column: &column, key: &key, hash: MaskHash::Md5 };
    let relation =
        Relation { name: table.clone(), partitioned: false, partition_tree: false, view: None };
    let sample = Sample { relation: &relation, filter: None };
    let masked = Sql::trusted("upper(v)");
    let mask = Mask::Sql("upper(v)".to_owned());
    let trial = MaskTrial { column, mask: &mask, masked: &masked };
    assert_eq!(
        sample.trial(&[trial]).as_str(),
        "select pg_catalog.count(*) filter (where s.a0), pg_catalog.count(*) filter (where s.s0), \
         pg_catalog.md5(pg_catalog.string_agg(s.d0, '' order by s.d0 collate pg_catalog.\"C\")) from (select \
         \"item\".\"v\" is not null and true as a0, \"item\".\"v\" is not null and true and (upper(v) is not null and \
         pg_catalog.concat(upper(v)) collate pg_catalog.\"C\" operator(pg_catalog.=) pg_catalog.concat(\"item\".\"v\")) \
         as s0, pg_catalog.md5(pg_catalog.concat(upper(v))) as d0 from only \"public\".\"item\" limit 1000) s"
    );
}

#[test]
fn masks_that_can_leave_a_value_as_it_is_are_judged() {
    let path = |mask| Mask::Json(vec![(JsonPath(vec!["a".to_owned()]), mask)]);
    let cases = [
        (Mask::Null, "text", false),
        (Mask::Redact, "text", false),
        (Mask::DateYear, "date", false),
        (Mask::Lorem, "text", false),
        (Mask::Text, "text", true),
        (Mask::Phone, "text", true),
        (Mask::NameFull, "text", true),
        (Mask::Email, "text", true),
        (Mask::Hash { digits: 1 }, "text", true),
        (Mask::Ip, "cidr", true),
        (Mask::NumberRound { step: "10".to_owned() }, "numeric", true),
        (Mask::NumberNoise { share: "0.1".to_owned() }, "float8", true),
        (path(Mask::Email), "json", true),
        (path(Mask::Redact), "jsonb", false),
        (Mask::Sql("v".to_owned()), "point", true),
    ];
    let (table, key) = (Ident::new("item"), [Ident::new("id")]);
    for (mask, type_name, expected) in cases {
        let column = column(type_name, -1);
        let column =
            MaskedColumn { table: &table, column: &column, key: &key, hash: MaskHash::Md5 };
        assert_eq!(column.judge(&mask, &Sql::trusted("m")).is_some(), expected, "{mask:?}");
    }
}
