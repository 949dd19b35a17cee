//! Masks that give text for text.

use super::{MaskHash, REDACTED, bits};
use crate::rules::Mask;
use crate::sql::{Literal, Sql, sql};

/// What is masked character by character; what is longer goes on with the same ones.
const LONGEST: u32 = 10_000;
/// Characters that a mask gives at most.
const MOST: u32 = 10_000_000;

/// Words that say nothing.
const LOREM: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et \
                     dolore magna aliqua ";

/// Where words of it begin.
const WORDS: [u32; 16] = [1, 7, 13, 19, 23, 28, 40, 51, 56, 60, 63, 71, 78, 89, 92, 99];

const FIRST: [&[&str]; 2] = [
    &[
        "Al", "An", "Ar", "Be", "Bri", "Ca", "Cla", "Da", "De", "El", "Em", "Fa", "Fe", "Ga", "Gi",
        "Ha", "He", "In", "Jo", "Ju", "Ka", "Le", "Li", "Ma", "Mi", "Na", "No", "Pa", "Ro", "Sa",
        "Te", "Vi",
    ],
    &[
        "bert", "cia", "da", "dine", "do", "ka", "la", "lan", "lia", "lin", "lo", "ma", "mina",
        "mon", "na", "nard", "ne", "nia", "nor", "ra", "ric", "rin", "ris", "ro", "sa", "sha",
        "ta", "ther", "tin", "via", "win", "zo",
    ],
];

const LAST: [&[&str]; 2] = [
    &[
        "Ab", "Ash", "Bar", "Ber", "Black", "Brad", "Bur", "Car", "Cop", "Dar", "Dun", "Fair",
        "Far", "Gar", "Gold", "Ham", "Hart", "Hol", "Kel", "Lang", "Mar", "Mil", "Nor", "Oak",
        "Pem", "Red", "Ros", "Stan", "Sut", "Thorn", "Wal", "Win",
    ],
    &[
        "bank", "berg", "bury", "by", "cliff", "combe", "croft", "dale", "den", "don", "field",
        "ford", "gate", "ham", "hurst", "kin", "land", "ley", "lock", "low", "man", "mere", "mont",
        "more", "ridge", "shaw", "son", "stead", "ton", "ville", "ward", "wood",
    ],
];

/// What stands in place of a text that is not NULL; none by masks of other values.
pub(super) fn masked(mask: &Mask, text: &Sql, hash: MaskHash) -> Option<Sql> {
    let name = mask.name();
    let hex = |text: &Sql| hash.hex(name, text);
    let cut = |text: &Sql, digits: u32| {
        sql!("pg_catalog.substr({h}, 1, {digits})", h = hex(text), digits = digits)
    };
    Some(match mask {
        Mask::Empty => sql!("''"),
        Mask::Redact => sql!("{redacted}", redacted = Literal(REDACTED)),
        Mask::Value(constant) => sql!("{constant}", constant = Literal(constant)),
        Mask::Hash { digits } => cut(text, u32::from(*digits)),
        Mask::Email => {
            let lower = sql!("pg_catalog.lower({text} collate pg_catalog.\"C\")", text = text);
            sql!("pg_catalog.concat('u', {h}, '@example.com')", h = cut(&lower, 24))
        }
        Mask::Url => sql!("pg_catalog.concat('https://example.com/', {h})", h = cut(text, 24)),
        Mask::Uuid => sql!("{h}::pg_catalog.uuid::pg_catalog.text", h = hex(text)),
        Mask::Text => by_character(text, &hash.bytes(name, text)),
        Mask::Phone => {
            // However it is written, a number stays one number.
            let digits = sql!("pg_catalog.regexp_replace({text}, '[^0-9]', '', 'g')", text = text);
            by_character(text, &hash.bytes(name, &digits))
        }
        Mask::Lorem => lorem(text, &hex(text)),
        Mask::NameFirst => with_hash(&hex(text), text, &named(FIRST, 1)),
        Mask::NameLast => with_hash(&hex(text), text, &named(LAST, 5)),
        Mask::NameFull => {
            let both = [named(FIRST, 1), named(LAST, 5)];
            let full = sql!("pg_catalog.concat({both})", both = Sql::join(both, ", ' ', "));
            with_hash(&hex(text), text, &full)
        }
        Mask::Ip => with_hash(&hex(text), text, &address()),
        Mask::Card => with_hash(&hex(text), text, &card()),
        _ => return None,
    })
}

/// An expression over `m.h`, a hash, and `m.v`, the text: both are computed once.
fn with_hash(hash: &Sql, text: &Sql, expression: &Sql) -> Sql {
    sql!(
        "(select {expression} from (select {hash} as h, {text} as v offset 0) m)",
        expression = expression,
        hash = hash,
        text = text
    )
}

/// A name of two parts, by two digits of the hash each.
fn named(parts: [&[&str]; 2], from: u32) -> Sql {
    let part = |list: &[&str], from: u32| {
        sql!(
            "(array[{list}])[1 operator(pg_catalog.+) ({n} operator(pg_catalog.%) 32)]",
            list = Sql::join(list.iter().map(|part| Literal(part)), ", "),
            n = bits(&Sql::trusted("m.h"), from, 2),
        )
    };
    sql!(
        "pg_catalog.concat({first}, {second})",
        first = part(parts[0], from),
        second = part(parts[1], from + 2)
    )
}

/// Letters and digits in place of letters and digits; everything else says what form the text has.
fn by_character(text: &Sql, bytes: &Sql) -> Sql {
    let pick = |from: &'static str| {
        sql!(
            "pg_catalog.substr({from}, 1 operator(pg_catalog.+) (pg_catalog.get_byte(m.b, \
             (u.i operator(pg_catalog.%) 16)::pg_catalog.int4) operator(pg_catalog.%) {count}), 1)",
            from = Literal(from),
            count = from.len(),
        )
    };
    let between = |low: &'static str, high: &'static str| {
        sql!(
            "u.c collate pg_catalog.\"C\" operator(pg_catalog.>=) {low} \
             and u.c collate pg_catalog.\"C\" operator(pg_catalog.<=) {high}",
            low = Literal(low),
            high = Literal(high)
        )
    };
    let lower = pick("abcdefghijklmnopqrstuvwxyz");
    sql!(
        "coalesce((select pg_catalog.rpad(r.r, least(pg_catalog.length(r.v), {most}), r.r) from \
         (select m.v, pg_catalog.string_agg(case when {is_lower} or u.c collate pg_catalog.\"C\" \
         operator(pg_catalog.>) '~' then {lower} when {is_upper} then {upper} \
         when {is_digit} then {digit} else u.c end, '' order by u.i) as r \
         from (select {bytes} as b, {text} as v offset 0) m cross join lateral pg_catalog.unnest( \
         pg_catalog.string_to_array(pg_catalog.left(m.v, {longest}), null)) with ordinality u(c, i) \
         group by m.v) r), '')",
        most = MOST,
        is_lower = between("a", "z"),
        lower = lower,
        is_upper = between("A", "Z"),
        upper = pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        is_digit = between("0", "9"),
        digit = pick("0123456789"),
        bytes = bytes,
        text = text,
        longest = LONGEST,
    )
}

/// Words from a place that the hash says, as long as the text.
fn lorem(text: &Sql, hash: &Sql) -> Sql {
    let words = Sql::join(WORDS.iter(), ", ");
    let length = sql!("least(pg_catalog.length(m.v), {most})", most = MOST);
    let lorem = sql!(
        "pg_catalog.left(pg_catalog.substr(pg_catalog.repeat({lorem}, {length} operator(pg_catalog./) {size} \
         operator(pg_catalog.+) 2), (array[{words}])[1 operator(pg_catalog.+) {n}]), {length})",
        lorem = Literal(LOREM),
        length = length,
        size = LOREM.len(),
        words = words,
        n = bits(&Sql::trusted("m.h"), 1, 1),
    );
    with_hash(hash, text, &lorem)
}

/// An address as text: of the same network of 16 bits, if it is one of the usual form.
fn address() -> Sql {
    let part = |place: u32| sql!("pg_catalog.split_part(m.v, '.', {place})", place = place);
    sql!(
        "case when m.v operator(pg_catalog.~) '^[0-9]{{1,3}}([.][0-9]{{1,3}}){{3}}(/[0-9]{{1,2}})?$' \
         then pg_catalog.concat({first}, '.', {second}, '.', {third}, '.', {fourth}) \
         else pg_catalog.concat('2001:db8::', pg_catalog.substr(m.h, 1, 4), ':', pg_catalog.substr(m.h, 5, 4)) end",
        first = part(1),
        second = part(2),
        third = bits(&Sql::trusted("m.h"), 1, 2),
        fourth = bits(&Sql::trusted("m.h"), 3, 2),
    )
}

/// Sixteen digits of which the last one checks the others (Luhn), in a range that is for tests.
fn card() -> Sql {
    let number = sql!(
        "pg_catalog.concat('400000', pg_catalog.lpad(({n} operator(pg_catalog.%) 100000000)::pg_catalog.text, 8, '0'), \
         {last} operator(pg_catalog.%) 10)",
        n = bits(&Sql::trusted("m.h"), 1, 7),
        last = bits(&Sql::trusted("m.h"), 8, 7),
    );
    let digit = "pg_catalog.substr(d.d, i.i, 1)::pg_catalog.int4";
    sql!(
        "(select pg_catalog.concat(d.d, (10 operator(pg_catalog.-) (pg_catalog.sum(case \
         when i.i operator(pg_catalog.%) 2 operator(pg_catalog.=) 0 then {digit} \
         when {digit} operator(pg_catalog.>) 4 then 2 operator(pg_catalog.*) {digit} operator(pg_catalog.-) 9 \
         else 2 operator(pg_catalog.*) {digit} end) operator(pg_catalog.%) 10)) operator(pg_catalog.%) 10) \
         from (select {number} as d offset 0) d cross join pg_catalog.generate_series(1, 15) i(i) group by d.d)",
        digit = Sql::trusted(digit),
        number = number,
    )
}
