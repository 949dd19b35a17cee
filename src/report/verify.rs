//! What `pgsync verify` found, for people and for programs. Pure: from the [`VerifyReport`] to text.
//!
//! The object of `-json`: `{"pgsync":"0.1.0","version":1,"source","target","exit_status":3,"live":false,
//! "sentence","elapsed_seconds","tables":[{"schema","table","verdict":"equal|differs|behind|not comparable",
//! "missing":0,"extra":0,"changed":0,"behind":0,"explained":0,"last_run_failed":false,"rows":[row],"error":null}],
//! "notes":["…"],"error":null}`, where a row is that of `-rows`. Fields are added, never renamed.

use serde::Serialize;

use super::rows::Line;
use super::summary::{self, Grouped, Said};
use crate::config::Output;
use crate::ident::TableName;
use crate::note::{Note, NoteLevel};
use crate::report::{format, json};
use crate::sql::compared::Values;
use crate::verify::{Repair, RowDifference, RowKind, TableVerdict, VerifyReport};

/// What is printed in the form that is asked for.
pub fn printed(report: &VerifyReport, output: Output) -> String {
    match output {
        Output { json: true, .. } => object(report),
        Output { quiet: true, .. } if report.exit_status() == 0 => String::new(),
        _ => text(report, output),
    }
}

/// Of more tables, those that are equal are counted, unless everything is wanted.
const LISTED: usize = 20;

/// Of more tables that cannot be compared for one reason, the first ones are named.
const ALIKE: usize = 3;

/// Verdicts, the first rows that differ below each, and a sentence. Who wants it quiet reads nothing of what is equal.
/// Where statements are printed, the rest is comments of SQL: psql takes all of it.
pub fn text(report: &VerifyReport, output: Output) -> String {
    let name = |table: &TableVerdict| format::table(&table.table);
    let is_equal = |table: &&TableVerdict| table.name() == "equal";
    let is_long = report.tables.len() > LISTED && !output.verbose;
    let (equal, others): (Vec<&TableVerdict>, Vec<&TableVerdict>) =
        report.tables.iter().partition(is_equal);
    let lists = |table: &&TableVerdict| !is_equal(table) || !(output.quiet || is_long);
    let alike = alike(&report.tables);
    let is_alone =
        |table: &&TableVerdict| alike.iter().all(|group| !group.tables.contains(&&table.table));
    let told = report.tables.iter().filter(lists).filter(is_alone);
    let told: Vec<&TableVerdict> = told.collect();
    let width = told.iter().map(|table| format::width(&name(table))).max().unwrap_or(0);
    let prints_sql = report.repair == Repair::Print;
    let without_triggers = without_triggers(&others).filter(|_| prints_sql);
    let mut lines = Vec::from_iter(without_triggers.clone());
    for table in told {
        let name = format::pad_or_truncate(&name(table), width);
        lines.push(told_line(format!("{name}  {}", verdict(table)), prints_sql));
        lines.extend(rows_below(table, prints_sql));
    }
    let line = |group: &Grouped<'_>| {
        told_line(format!("{}{}", summary::named(&group.tables), group.text), prints_sql)
    };
    lines.extend(alike.iter().map(line));
    lines.extend(without_triggers.map(|_| "reset session_replication_role;".to_owned()));
    if is_long && !output.quiet && !equal.is_empty() {
        let count = format::counted(equal.len() as u64, "table");
        lines.push(told_line(format!("… {count} equal; -verbose lists them"), prints_sql));
    }
    let matters = |level: NoteLevel| output.verbose || level == NoteLevel::Warning;
    let notes: Vec<Note> =
        report.notes.iter().filter(|note| matters(note.level)).cloned().collect();
    let notes = summary::notes(&notes, output.verbose);
    let sentence = report.error.is_none().then(|| sentence(report));
    let ends = notes.lines().map(str::to_owned).chain(sentence);
    lines.extend(ends.map(|line| told_line(line, prints_sql)));
    lines.extend(remedy(report).filter(|_| !output.quiet));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Tables that cannot be compared for one and the same reason, if that are many: it is told once.
fn alike(tables: &[TableVerdict]) -> Vec<Grouped<'_>> {
    let failed = tables.iter().filter(|table| table.error.is_some());
    let said = failed.map(|table| Said { text: verdict(table), table: Some(&table.table) });
    let mut groups = summary::grouped(said);
    groups.retain(|group| group.tables.len() > ALIKE);
    groups
}

/// What comes before the statements of tables whose triggers would fire for them.
fn without_triggers(tables: &[&TableVerdict]) -> Option<String> {
    let prints = |table: &&&TableVerdict| {
        table.has_triggers && table.first.iter().any(|row| row.statement.is_some())
    };
    let names = tables.iter().filter(prints).map(|table| format::table(&table.table));
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| {
        format!(
            "set session_replication_role = replica; -- needs a superuser, or a grant of it; no trigger fires then of {}",
            names.join(", ")
        )
    })
}

/// What makes equal what differs. A table whose last run failed most often fails again, and one with another mask key is
/// to be compared with the right one.
fn remedy(report: &VerifyReport) -> Option<String> {
    let differing = report.tables.iter().filter(|table| table.name() == "differs");
    let (excepted, others): (Vec<&TableVerdict>, Vec<&TableVerdict>) =
        differing.partition(|table| table.last_failed || table.other_mask_key);
    if others.is_empty() || report.repair != Repair::Nothing {
        return None;
    }
    let which = if excepted.is_empty() {
        "them".to_owned()
    } else {
        let tables: Vec<&TableName> = others.iter().map(|table| &table.table).collect();
        summary::names(&tables)
    };
    Some(format!("to make {which} equal: pgsync verify -repair, or a run with -reconcile"))
}

/// A line that is no statement.
fn told_line(line: String, prints_sql: bool) -> String {
    if prints_sql { format!("-- {line}") } else { line }
}

/// The first rows that differ in a table. Those without a key have no names.
fn rows_below(table: &TableVerdict, prints_sql: bool) -> Vec<String> {
    if table.error.is_some() || table.rows() == 0 {
        return Vec::new();
    }
    if table.key.is_empty() {
        let told = prints_sql
            .then(|| "--   no statements, for the table has no key: -repair repairs it".to_owned());
        return told.into_iter().collect();
    }
    let mut lines: Vec<String> =
        table.first.iter().flat_map(|row| row_lines(table, row, prints_sql)).collect();
    let more = table.rows() - table.first.len() as u64;
    let all =
        if prints_sql { "-limit N prints statements for up to N" } else { "-rows FILE lists all" };
    if more > 0 {
        lines.push(told_line(format!("  … and {} more; {all}", format::number(more)), prints_sql));
    }
    lines
}

const LAST_FAILED: &str = "; the last run did not bring it in sync: see pgsync status";

/// What was found in a table.
pub fn verdict(table: &TableVerdict) -> String {
    if let Some(error) = &table.error {
        return format!("not comparable: {}", format::error(error));
    }
    let rows = format::counted(table.rows(), "row");
    let verb = if table.rows() == 1 { "differs" } else { "differ" };
    match table.name() {
        "equal" => "equal".to_owned(),
        "behind" if table.last_failed => format!("behind: {rows} ({}){LAST_FAILED}", kinds(table)),
        "behind" => format!("behind: {rows} ({}), which the next run brings", kinds(table)),
        _ => {
            let last = if table.last_failed { LAST_FAILED } else { "" };
            format!("{rows} {verb} ({}{}){last}", kinds(table), reasons(table))
        }
    }
}

/// What is known of the cause of some rows.
fn reasons(table: &TableVerdict) -> String {
    let behind =
        if table.last_failed { "are newer than the last run" } else { "the next run brings" };
    let counts = [
        (table.behind, behind),
        (
            table.computed,
            "only in columns that the target computes otherwise (by a function, a collation or the expression)",
        ),
    ];
    let some = counts.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, words)| format!("; {} of them {words}", format::number(*n))).collect()
}

fn kinds(table: &TableVerdict) -> String {
    let counts = [(table.missing, "missing"), (table.extra, "extra"), (table.changed, "changed")];
    let some = counts.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, word)| format!("{} {word}", format::number(*n))).collect::<Vec<_>>().join(", ")
}

/// A row by its key, and below it its values, where they are wanted.
fn row_lines(table: &TableVerdict, row: &RowDifference, prints_sql: bool) -> Vec<String> {
    if let Some(statement) = &row.statement {
        return vec![super::printable(statement.as_str()).trim_end().to_owned()];
    }
    let names: Vec<&str> = row.columns.iter().map(|column| column.as_str()).collect();
    let columns = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let behind = if row.is_behind { ", behind" } else { "" };
    let line = format!("  {}  {}{behind}{columns}", key(table, row), row.kind.name());
    let mut lines = vec![told_line(format::sanitize(&line), prints_sql)];
    let sides = [("source", &row.source), ("target", &row.target)];
    for (side, values) in
        sides.into_iter().filter_map(|(side, values)| Some((side, values.as_ref()?)))
    {
        let line = format::sanitize(&format!("    {side}: {}", shown(values)));
        lines.push(told_line(line, prints_sql));
    }
    lines
}

fn key(table: &TableVerdict, row: &RowDifference) -> String {
    if row.key.is_empty() {
        return "a row without a key".to_owned();
    }
    let parts = table.key.iter().zip(&row.key);
    parts.map(|(name, value)| format!("{} = {value}", name.as_str())).collect::<Vec<_>>().join(", ")
}

fn shown(values: &Values) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) => format!("'{text}'"),
        None => "NULL".to_owned(),
    };
    let parts = values.iter().map(|(name, text)| format!("{} = {}", name.as_str(), value(text)));
    parts.collect::<Vec<_>>().join(", ")
}

/// Whether all is equal, in one line.
pub fn sentence(report: &VerifyReport) -> String {
    let all = format::counted(report.tables.len() as u64, "table");
    let time = format::duration(report.elapsed);
    if report.error.is_some() && report.tables.is_empty() {
        return format!("NOT compared: an error came first; took {time}");
    }
    let failed = report.tables.iter().filter(|table| table.error.is_some()).count() as u64;
    let differing = report.tables.iter().filter(|table| report.counted(table) > 0).count() as u64;
    let rows: u64 = report.tables.iter().map(|table| report.counted(table)).sum();
    let mut parts = Vec::new();
    if differing > 0 {
        let rows = format::counted(rows, "row");
        parts.push(format!("{} of {all} not equal, {rows}", format::number(differing)));
    }
    if failed > 0 {
        parts.push(format!("{} not comparable", format::counted(failed, "table")));
    }
    if !parts.is_empty() {
        return format!("NOT equal: {}; took {time}", parts.join("; "));
    }
    let explained: u64 = report.tables.iter().map(|table| table.explained).sum();
    if report.is_live && explained > 0 {
        let rows = format::counted(explained, "row");
        return format!("equal: {all}, apart from {rows} changed since the last run; took {time}");
    }
    format!("equal: {all}; took {time}")
}

#[derive(Serialize)]
struct Object<'a> {
    pgsync: &'static str,
    version: u32,
    source: &'a str,
    target: &'a str,
    exit_status: u8,
    live: bool,
    sentence: String,
    elapsed_seconds: f64,
    tables: Vec<Table<'a>>,
    notes: Vec<&'a str>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Table<'a> {
    schema: &'a str,
    table: &'a str,
    verdict: &'static str,
    missing: u64,
    extra: u64,
    changed: u64,
    behind: u64,
    explained: u64,
    last_run_failed: bool,
    rows: Vec<Line<'a>>,
    error: Option<String>,
}

/// The object of `-json` and a line break.
pub fn object(report: &VerifyReport) -> String {
    let object = Object {
        pgsync: env!("CARGO_PKG_VERSION"),
        version: 1,
        source: &report.source,
        target: &report.target,
        exit_status: report.exit_status(),
        live: report.is_live,
        sentence: sentence(report),
        elapsed_seconds: (report.elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        tables: report.tables.iter().map(entry).collect(),
        notes: report.notes.iter().map(|note| note.text.as_str()).collect(),
        error: report.error.as_ref().map(ToString::to_string),
    };
    json::escaped(&serde_json::to_string(&object).unwrap_or_default()) + "\n"
}

fn entry(table: &TableVerdict) -> Table<'_> {
    Table {
        schema: table.table.schema.as_str(),
        table: table.table.name.as_str(),
        verdict: table.name(),
        missing: table.missing,
        extra: table.extra,
        changed: table.changed,
        behind: table.behind,
        explained: table.explained,
        last_run_failed: table.last_failed,
        rows: table.first.iter().map(|row| Line::of(&table.table, &table.key, row)).collect(),
        error: table.error.as_ref().map(ToString::to_string),
    }
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;\
color:#1c1c1c;background:#fff}table{border-collapse:collapse;width:100%;margin:1rem 0}\
td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc;overflow-wrap:anywhere}\
.bad{font-weight:600}@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}td,th{border-color:#444}}";

/// One page that needs nothing else: verdicts, and the first rows of each table.
pub fn page(report: &VerifyReport) -> String {
    let head = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>pgsync verify</title><style>{STYLE}</style></head><body>\n<h1>pgsync verify</h1>\n"
    );
    let ends = format!(
        "<p>{}</p><p>source {}, target {}</p>\n",
        html(&sentence(report)),
        html(&report.source),
        html(&report.target)
    );
    let verdicts: String = report.tables.iter().map(verdict_row).collect();
    let rows: String = report.tables.iter().filter(|table| table.rows() > 0).map(rows_of).collect();
    let error = report
        .error
        .as_ref()
        .map(|error| format!("<p class=\"bad\">{}</p>", html(&error.to_string())));
    format!(
        "{head}{ends}{}<table><tr><th>table</th><th>verdict</th></tr>\n{verdicts}</table>\n{rows}</body></html>\n",
        error.unwrap_or_default()
    )
}

fn verdict_row(table: &TableVerdict) -> String {
    let class = if table.name() == "equal" { "" } else { " class=\"bad\"" };
    let name = html(&table.table.to_string());
    format!("<tr><td>{name}</td><td{class}>{}</td></tr>\n", html(&verdict(table)))
}

fn rows_of(table: &TableVerdict) -> String {
    let row = |row: &RowDifference| {
        let names: Vec<&str> = row.columns.iter().map(|column| column.as_str()).collect();
        let side = |values: &Option<Values>| values.as_ref().map(shown).unwrap_or_default();
        let cells =
            [key(table, row), kind(row), names.join(", "), side(&row.source), side(&row.target)];
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", html(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = table.first.iter().map(row).collect();
    format!(
        "<h2>{}</h2><p>The first {} of {}.</p><table><tr><th>key</th><th>kind</th><th>columns</th>\
         <th>source</th><th>target</th></tr>\n{rows}</table>\n",
        html(&table.table.to_string()),
        format::number(table.first.len() as u64),
        format::counted(table.rows(), "row"),
    )
}

fn kind(row: &RowDifference) -> String {
    let behind = row.is_behind && row.kind != RowKind::Extra;
    format!("{}{}", row.kind.name(), if behind { ", behind" } else { "" })
}

/// As text of a page, and of an attribute.
fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in format::sanitize(text).chars() {
        match c {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            c => safe.push(c),
        }
    }
    safe
}
