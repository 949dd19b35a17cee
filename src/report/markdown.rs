//! The summary in Markdown, for the page of a CI job: the verdict as a heading, the table, then failures and
//! notes as lists. Pure. Nothing of a name or message is taken for markup: messages stand between backticks.

use crate::error::Error;
use crate::outcome::RunReport;
use crate::report::format;
use crate::report::listed;
use crate::report::summary;

/// The whole summary. Other than the text for people it tells why the run as a whole ended, too: on the
/// page there is no stderr.
pub fn summary(report: &RunReport, verbose: bool) -> String {
    let mut sections = vec![format!("### pgsync: {}\n", escaped(&summary::verdict(report)))];
    // A run that never began has no ends.
    if !report.source.is_empty() {
        sections.push(format!("{} → {}\n", escaped(&report.source), escaped(&report.target)));
    }
    sections.push(table(report, verbose));
    sections.push(report.error.iter().map(error).collect());
    sections.push(list(&summary::failures(&report.tables, verbose)));
    sections.push(list(&summary::notes(&report.notes, verbose)));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

/// One item for each problem.
fn error(error: &Error) -> String {
    let text = error.to_string();
    let problems: Vec<&str> = match error {
        Error::Config(problems) => problems.iter().map(String::as_str).collect(),
        _ => vec![&text],
    };
    let item = |problem: &&str| format!("- {}\n", code(&format::sanitize(problem)));
    problems.iter().map(item).collect()
}

fn table(report: &RunReport, verbose: bool) -> String {
    if report.tables.is_empty() {
        return String::new();
    }
    let listed::Listed { columns, folded } = listed::rows(report, verbose);
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = row(columns.iter().map(|column| column.title.to_owned()).collect());
    let rule = |is_number: bool| if is_number { "--:" } else { "---" }.to_owned();
    let rules = row(columns.iter().map(|column| rule(column.is_number)).collect());
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let body = (0..rows).map(|place| {
        let cells = columns.iter().map(|column| escaped(&column.cells[place]));
        row(cells.collect())
    });
    let mut body: Vec<String> = body.collect();
    let total = body.pop();
    let blanks = vec![String::new(); columns.len().saturating_sub(1)];
    body.extend(folded.into_iter().map(|text| row([vec![text], blanks.clone()].concat())));
    [titles, rules].into_iter().chain(body).chain(total).collect()
}

/// A line that begins at the margin becomes an item, one that is indented belongs to the item before it.
fn list(text: &str) -> String {
    let item = |line: &str| match line.strip_prefix("    ") {
        Some(rest) => format!("  {}\n", code(rest)),
        None => format!("- {}\n", code(line)),
    };
    text.lines().map(item).collect()
}

/// A message between backticks, more of them than it has in a row itself: its statements and its JSON can be copied from
/// the page, and from the page's text too.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let is_at_an_end = text.starts_with('`') || text.ends_with('`');
    let blank = if is_at_an_end { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// The text as it is, whatever Markdown makes of its characters.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '~' | '&' | '@')
        {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}
