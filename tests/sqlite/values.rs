//! What is written for a value of SQLite equals what PostgreSQL prints for it, whatever the value: thousands of
//! them, made from a seed.

use pgsync::source::sqlite::values::{Datum, Form, Srids, TargetType, TimestampForm, Value, Zone};

use crate::support::{Pair, Random, Session};

/// Values of each type.
const VALUES: u64 = 1_500;

/// As sessions of pgsync pin them.
const PINNED: &str = "set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set extra_float_digits = 3; \
                      set bytea_output = 'hex'";

/// Texts that may or may not be values of a type.
struct Case {
    target: TargetType<'static>,
    sql: &'static str,
    /// Whether what PostgreSQL makes of the same text is the same value.
    same_input: bool,
    text: fn(&mut Random) -> String,
}

const fn case(name: &'static str, sql: &'static str, text: fn(&mut Random) -> String) -> Case {
    let target = TargetType { schema: "pg_catalog", name, modifier: -1 };
    Case { target, sql, same_input: true, text }
}

impl Case {
    const fn modifier(mut self, modifier: i32) -> Self {
        self.target.modifier = modifier;
        self
    }
}

#[tokio::test]
async fn values_of_every_type_are_printed_as_the_server_prints_them() {
    let db = Pair::fresh().await;
    db.target(PINNED).await;
    let mut random = Random::seeded();
    let cases = [
        case("int2", "smallint", whole),
        case("int4", "integer", whole),
        case("int8", "bigint", whole),
        case("bool", "boolean", boolean),
        case("text", "text", words),
        case("varchar", "varchar(6)", words).modifier(10),
        case("bpchar", "char(6)", words).modifier(10),
        case("uuid", "uuid", uuid),
        case("numeric", "numeric", decimal),
        case("numeric", "numeric(8, 3)", decimal).modifier((8 << 16 | 3) + 4),
        case("numeric", "numeric(20, 0)", decimal).modifier((20 << 16) + 4),
        case("date", "date", date),
        case("time", "time", clock),
        case("time", "time(3)", clock).modifier(3),
        case("timestamp", "timestamp", local),
        case("timestamp", "timestamp(0)", local).modifier(0),
        case("timestamptz", "timestamptz", zoned),
        case("timestamptz", "timestamptz(3)", zoned).modifier(3),
        case("json", "json", |random| format!("[\"{}\"]", random.next())),
        case("jsonb", "jsonb", |random| json(random, 3)),
    ];
    for case in &cases {
        let texts: Vec<_> = (0..VALUES).map(|_| (case.text)(&mut random)).collect();
        let mut rows = Rows::default();
        for text in &texts {
            rows.add(&form(case), Value::Text(text.as_bytes()), case.same_input.then_some(text));
        }
        // Of whole numbers of every length, a quarter fit a smallint; other types take more.
        assert!(rows.count > VALUES / 8, "few values of {} were taken: {}", case.sql, rows.count);
        rows.check(&db.target, case.sql).await;
    }
}

/// JSON with blanks, keys that come again, escapes and numbers in every form; now and then something else.
fn json(random: &mut Random, levels: u32) -> String {
    let blank = |random: &mut Random| [" ", "", "", "\n\t"][random.below(4) as usize];
    let words = [
        "a",
        "B",
        "bb",
        "é",
        "zz z",
        "",
        "\\u0041",
        "\\n\\t\\/",
        "\\ud83d\\ude00",
        "\\u001f",
        "\\\"",
        "\u{7f}",
        "\\u00e9",
    ];
    let word =
        |random: &mut Random| format!("\"{}\"", words[random.below(words.len() as u64) as usize]);
    let most = if levels == 0 { 4 } else { 8 };
    match random.below(most) {
        0 => word(random),
        1 => ["true", "false", "null", "0", "-0", "-0.0"][random.below(6) as usize].to_owned(),
        2 => format!("{}", random.next() as i64),
        3 => {
            let (whole, part, power) = (random.below(1000), random.below(1000), random.below(20));
            let letter = ["e", "E", "e+", "E-"][random.below(4) as usize];
            format!("-{whole}.{part:03}{letter}{power}")
        }
        4 | 5 => {
            let values = (0..random.below(4))
                .map(|_| format!("{}{}", json(random, levels - 1), blank(random)));
            let values: Vec<String> = values.collect();
            format!("[{}{}]", blank(random), values.join(","))
        }
        _ => {
            let fields = (0..random.below(5)).map(|_| {
                format!(
                    "{}{}:{}{}",
                    word(random),
                    blank(random),
                    blank(random),
                    json(random, levels - 1)
                )
            });
            let fields: Vec<String> = fields.collect();
            format!("{{{}{}}}", blank(random), fields.join(", "))
        }
    }
}

fn form(case: &Case) -> Form {
    Form::of(case.target, Some(TimestampForm::Text(Zone::Any)))
}

#[tokio::test]
async fn floating_point_numbers_are_printed_as_the_server_prints_them() {
    let db = Pair::fresh().await;
    db.target(PINNED).await;
    let mut random = Random::seeded();
    let shortest =
        db.target_value("select current_setting('server_version_num')::int >= 120000").await;
    for (name, sql) in [("float8", "float8"), ("float4", "float4")] {
        let form = Form::of(TargetType { schema: "pg_catalog", name, modifier: -1 }, None);
        let mut rows = Rows::default();
        for _ in 0..VALUES * 4 {
            rows.add(&form, Value::Real(float(&mut random)), None);
        }
        rows.print_texts = shortest == "t";
        rows.check(&db.target, sql).await;
    }
}

#[tokio::test]
async fn bytes_and_numbers_are_printed_as_the_server_prints_them() {
    let db = Pair::fresh().await;
    db.target(PINNED).await;
    let mut random = Random::seeded();
    let of = |name, modifier| Form::of(TargetType { schema: "pg_catalog", name, modifier }, None);
    let mut rows = Rows::default();
    for length in 0..300 {
        let bytes: Vec<_> = (0..length).map(|_| random.next() as u8).collect();
        rows.add(&of("bytea", -1), Value::Blob(&bytes), None);
    }
    rows.check(&db.target, "bytea").await;
    for (name, sql, modifier) in [
        ("numeric", "numeric", -1),
        ("numeric", "numeric(30,10)", (30 << 16 | 10) + 4),
        ("int8", "bigint", -1),
    ] {
        let mut rows = Rows::default();
        for _ in 0..VALUES {
            rows.add(&of(name, modifier), Value::Integer(random.next() as i64), None);
            rows.add(&of(name, modifier), Value::Real(random.next() as f64 / 1e9), None);
        }
        rows.check(&db.target, sql).await;
    }
}

#[tokio::test]
async fn moments_that_are_numbers_are_those_of_the_server() {
    let db = Pair::fresh().await;
    db.target(PINNED).await;
    let mut random = Random::seeded();
    let epoch = |start: &str, unit: &str, number: i64| {
        format!("timestamptz '{start} 00:00:00+00' + {number} * interval '{unit}'")
    };
    let mut wrong = Vec::new();
    for _ in 0..300 {
        // From 1900 to 2100.
        let seconds = random.below(6_300_000_000) as i64 - 2_200_000_000;
        let part = random.below(1_000_000) as i64;
        let cases = [
            ("unix", Value::Integer(seconds), epoch("1970-01-01", "1 second", seconds)),
            (
                "unixms",
                Value::Integer(seconds * 1_000 + 7),
                epoch("1970-01-01", "1 millisecond", seconds * 1_000 + 7),
            ),
            (
                "unixus",
                Value::Integer(seconds * 1_000_000 + part),
                epoch("1970-01-01", "1 microsecond", seconds * 1_000_000 + part),
            ),
            ("apple", Value::Real(seconds as f64), epoch("2001-01-01", "1 second", seconds)),
            (
                "webkit",
                Value::Integer(seconds * 1_000_000),
                epoch("1601-01-01", "1 second", seconds),
            ),
            (
                "ticks",
                Value::Integer((seconds + 60_000_000_000) * 10_000_000),
                epoch("0001-01-01", "1 second", seconds + 60_000_000_000),
            ),
        ];
        for (word, value, expected) in cases {
            let form: TimestampForm = word.parse().expect("a word of the configuration");
            let target = TargetType { schema: "pg_catalog", name: "timestamptz", modifier: -1 };
            let mut printed = Vec::new();
            let datum = Form::of(target, Some(form)).read(value);
            datum.unwrap_or_else(|bad| panic!("{word} {value:?}: {bad}")).print(&mut printed);
            let printed = String::from_utf8(printed).expect("text");
            wrong.push(format!("({expected}, '{printed}', '{word}')"));
        }
    }
    let sql = format!(
        "select word, expected, printed from (values {}) v(expected, printed, word) \
         where expected::text <> printed",
        wrong.join(", ")
    );
    assert_eq!(db.target_rows(&sql).await, Vec::<Vec<Option<String>>>::new());
}

#[tokio::test]
async fn postgis_prints_geometries_as_they_are_written_for_it() {
    let db = Pair::fresh().await;
    db.target("create extension postgis").await;
    let wkt: Vec<_> = shapes().iter().map(|wkt| format!("('{wkt}')")).collect();
    // ISO's form in both byte orders, and what PostGIS prints, without an SRID and with one.
    let sql = format!(
        "select w, encode(ST_AsBinary(g, 'NDR'), 'hex'), encode(ST_AsBinary(g, 'XDR'), 'hex'), \
         g::text, ST_SetSRID(g, 4326)::text from (values {}) v(w), ST_GeomFromText(w) g",
        wkt.join(", ")
    );
    let srids = Srids::from([(0, 0), (4326, 4326)]);
    let form = Form::Geometry { srids: std::sync::Arc::new(srids), limits: None };
    let rows = db.target_rows(&sql).await;
    assert_eq!(rows.len(), wkt.len());
    for row in rows {
        let row: Vec<String> = row.into_iter().flatten().collect();
        let [wkt, little, big, plain, with_srid] = &row[..] else {
            panic!("five columns: {row:?}")
        };
        for (srid, expected) in [(0i32, plain), (4326, with_srid)] {
            for wkb in [little, big] {
                let blob = [b"GP\0\x01".as_slice(), &srid.to_le_bytes(), &bytes(wkb)].concat();
                let mut printed = Vec::new();
                form.encode(Value::Blob(&blob), &mut printed)
                    .unwrap_or_else(|bad| panic!("{wkt}: {bad}"));
                assert_eq!(String::from_utf8_lossy(&printed), expected.as_str(), "{wkt}");
            }
        }
    }
}

/// Every kind of geometry in every dimension, filled and empty.
fn shapes() -> Vec<String> {
    // `#` stands for a new position, `!` for the first of its ring, `@` for one that never changes.
    let filled = [
        "POINT (#)",
        "LINESTRING (#, #)",
        "POLYGON ((#, #, #, !))",
        "MULTIPOINT (#, #)",
        "MULTILINESTRING ((#, #), (#, #))",
        "MULTIPOLYGON (((#, #, #, !)))",
        "GEOMETRYCOLLECTION (POINT (#), GEOMETRYCOLLECTION (LINESTRING (#, #), POINT EMPTY))",
        "CIRCULARSTRING (#, #, #)",
        "COMPOUNDCURVE (CIRCULARSTRING (#, #, @), (@, #))",
        "CURVEPOLYGON (CIRCULARSTRING (#, #, #, #, !))",
        "MULTICURVE ((#, #), CIRCULARSTRING (#, #, #))",
        "MULTISURFACE (((#, #, #, !)), CURVEPOLYGON (CIRCULARSTRING (#, #, #, #, !)))",
        "POLYHEDRALSURFACE (((#, #, #, !)))",
        "TIN (((#, #, #, !)))",
        "TRIANGLE ((#, #, #, !))",
    ];
    let empty =
        filled.iter().map(|wkt| format!("{} EMPTY", wkt.split(' ').next().unwrap_or_default()));
    let all: Vec<_> = filled.iter().map(|wkt| (*wkt).to_owned()).chain(empty).collect();
    let mut shapes = Vec::new();
    for (word, rest) in [("", ""), (" Z", " 7"), (" M", " -8.5"), (" ZM", " 7 1e300")] {
        for wkt in &all {
            let (kind, points) = wkt.split_once(' ').expect("a kind and more");
            // Parts of a collection say their dimensions as well.
            let mut points = points.to_owned();
            for part in
                ["POINT", "GEOMETRYCOLLECTION", "LINESTRING", "CIRCULARSTRING", "CURVEPOLYGON"]
            {
                points = points.replace(&format!("{part} "), &format!("{part}~ "));
            }
            // CIRCULARSTRING ends in another kind's name.
            let points = points.replace("~~", "~").replace('~', word);
            let mut text = String::new();
            let mut number = 0;
            let mut first = None;
            for letter in points.chars() {
                match letter {
                    '#' => {
                        number += 1;
                        let position = format!("{number} {}.25{rest}", number * number % 7);
                        first.get_or_insert_with(|| position.clone());
                        text.push_str(&position);
                    }
                    '@' => text.push_str(&format!("0.5 0.5{rest}")),
                    '!' => text.push_str(first.as_deref().unwrap_or_default()),
                    '(' => {
                        first = None;
                        text.push(letter);
                    }
                    _ => text.push(letter),
                }
            }
            shapes.push(format!("{kind}{word} {text}"));
        }
    }
    shapes
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    pairs.map(byte).collect()
}

/// Rows of COPY text: a number, what the value was, the value, its text, its bytes.
struct Rows {
    copy: Vec<u8>,
    count: u64,
    print_texts: bool,
}

impl Default for Rows {
    fn default() -> Self {
        Self { copy: Vec::new(), count: 0, print_texts: true }
    }
}

impl Rows {
    /// One value; none that its type cannot hold.
    fn add(&mut self, form: &Form, value: Value, input: Option<&String>) {
        let Ok(datum) = form.read(value) else { return };
        let mut printed = Vec::new();
        datum.print(&mut printed);
        let printed = String::from_utf8(printed).expect("text");
        let sent = datum.sent_text();
        let sent = sent.map(|sent| String::from_utf8_lossy(sent.as_bytes()).into_owned());
        self.count += 1;
        Datum::Integer(self.count as i64).encode(&mut self.copy);
        let text = |text: &str| Datum::Text(text.to_owned().into());
        let fields = [
            input.map_or(Datum::Null, |input| text(input)),
            datum,
            text(&printed),
            sent.as_deref().map_or(Datum::Null, text),
        ];
        for field in fields {
            self.copy.push(b'\t');
            field.encode(&mut self.copy);
        }
        self.copy.push(b'\n');
    }

    /// The server prints what was printed, and what it makes of the input itself.
    async fn check(self, target: &Session, sql: &str) {
        target.run("drop table if exists v").await;
        target
            .run(&format!("create table v (n int, input text, x {sql}, printed text, sent text)"))
            .await;
        target.copy("copy v from stdin", self.copy).await;
        assert_eq!(target.value("select count(*) from v").await, self.count.to_string());
        let texts = if self.print_texts { "format('%s', x) <> printed or " } else { "" };
        let sent = match sql.split('(').next().unwrap_or_default() {
            "float8" => "float8send(x)",
            "float4" => "float4send(x)",
            "date" => "date_send(x)",
            "time" => "time_send(x)",
            "timestamp" => "timestamp_send(x)",
            "timestamptz" => "timestamptz_send(x)",
            _ => "null::bytea",
        };
        let wrong = format!(
            "select input, x, printed, sent, {sent} from v where {texts} {sent}::text <> sent \
             or input is not null and format('%s', input::{sql}) <> printed limit 5"
        );
        assert_eq!(target.rows(&wrong).await, Vec::<Vec<Option<String>>>::new(), "{sql}");
    }
}

fn whole(random: &mut Random) -> String {
    let number = random.next() as i64 >> random.below(64);
    match random.below(4) {
        0 => format!(" {number}\n"),
        1 if number >= 0 => format!("+00{number}"),
        _ => number.to_string(),
    }
}

fn boolean(random: &mut Random) -> String {
    let all = [
        "t", "TRUE", "tr", "y", "Yes", "on", "1", "f", "false", "fal", "n", "NO", "of", "off", "0",
        "o", "2",
    ];
    all[random.below(all.len() as u64) as usize].to_owned()
}

fn words(random: &mut Random) -> String {
    let letters =
        ["a", "\t", "\\", "\n", "\r", "é", "語", "🦀", "'", " ", "N", "\u{1}", "\u{7f}", "."];
    let letter = |random: &mut Random| letters[random.below(letters.len() as u64) as usize];
    let length = random.below(9);
    let blanks = " ".repeat(random.below(3) as usize);
    (0..length).map(|_| letter(random)).collect::<String>() + &blanks
}

fn uuid(random: &mut Random) -> String {
    let digits = format!("{:016x}{:016X}", random.next(), random.next());
    let mut text = String::new();
    for (place, four) in digits.as_bytes().chunks(4).enumerate() {
        if place > 0 && random.chance(50) {
            text.push('-');
        }
        text.push_str(std::str::from_utf8(four).expect("ASCII"));
    }
    if random.chance(20) { format!("{{{text}}}") } else { text }
}

fn digits(random: &mut Random, most: u64) -> String {
    (0..random.below(most + 1))
        .map(|_| char::from(b'0' + (random.below(14) as u8).min(9)))
        .collect()
}

fn decimal(random: &mut Random) -> String {
    let sign = ["", "-", "+"][random.below(3) as usize];
    let (before, after) = (digits(random, 7), digits(random, 9));
    let exponent = if random.chance(20) {
        format!("e{}", random.below(30) as i64 - 15)
    } else {
        String::new()
    };
    format!("{sign}{before}.{after}{exponent}")
}

fn date(random: &mut Random) -> String {
    let latest = if random.chance(10) { 99_999 } else { 3_000 };
    let year = 1 + random.below(latest);
    format!("{year:04}-{:02}-{:02}", 1 + random.below(12), 1 + random.below(31))
}

fn clock(random: &mut Random) -> String {
    let time = format!("{:02}:{:02}", random.below(24), random.below(60));
    if random.chance(10) {
        return time;
    }
    let fraction = match digits(random, 9) {
        digits if digits.is_empty() => String::new(),
        digits => format!(".{digits}"),
    };
    format!("{time}:{:02}{fraction}", random.below(61))
}

fn local(random: &mut Random) -> String {
    if random.chance(5) {
        return date(random);
    }
    let divider = if random.chance(50) { "T" } else { " " };
    format!("{}{divider}{}", date(random), clock(random))
}

fn zoned(random: &mut Random) -> String {
    let text = local(random);
    if !text.contains(':') {
        return text;
    }
    let (hours, minutes) = (random.below(15), random.below(60));
    let sign = if random.chance(50) { "+" } else { "-" };
    match random.below(6) {
        0 => text,
        1 => format!("{text}Z"),
        2 => format!("{text}{sign}{hours:02}"),
        3 => format!("{text}{sign}{hours:02}{minutes:02}"),
        4 => format!("{text} {sign}{hours:02}:{minutes:02}"),
        _ => format!("{text}{sign}{hours:02}:{minutes:02}:{:02}", random.below(60)),
    }
}

fn float(random: &mut Random) -> f64 {
    match random.below(5) {
        // SQLite has no NaN.
        0 => Some(f64::from_bits(random.next()))
            .filter(|number| !number.is_nan())
            .unwrap_or_default(),
        1 => random.next() as i64 as f64,
        2 => (random.next() as i64 >> random.below(63)) as f64 / 100.0,
        3 => 2f64.powi(random.below(2_098) as i32 - 1_074),
        _ => Some(f64::from(f32::from_bits(random.next() as u32)))
            .filter(|number| !number.is_nan())
            .unwrap_or_default(),
    }
}
