//! Masks as they stand in statements; what they make of values is tried on servers, in `tests/sync/masks.rs`.

use super::{MaskHash, MaskedColumn, ValueKind, fits};
use crate::ident::Ident;
use crate::rules::{JsonPath, Mask};
use crate::sql::Sql;
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
        has_default: false,
        unindexed: false,
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
