//! Columns of text for a terminal: what is least wanted is left out until the rest fits. Pure.

use crate::report::format;

/// What the lines are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A terminal of so many columns.
    Terminal(usize),
    /// A file, a mail, the log of a CI job: read at 80 columns, and searched for names, which are never cut.
    Paper,
}

/// One column.
#[derive(Clone)]
pub(super) struct Column {
    pub title: &'static str,
    pub cells: Vec<String>,
    /// Numbers stand to the right.
    pub is_number: bool,
    /// Among those that do not fit, the greatest is left out first; 0 never is.
    pub rank: u8,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| format::width(cell)).max().unwrap_or(0);
        cells.max(format::width(self.title))
    }
}

const GAP: usize = 2;
const PAPER: usize = 80;
/// A name that is cut keeps so much.
const LEAST_NAME: usize = 12;

/// The lines of a table, with its titles, as wide as the page at most. The first column is cut on a terminal
/// where even the needed ones are too wide. No line ends in a space.
pub(super) fn lines(mut columns: Vec<Column>, page: Page) -> Vec<String> {
    let width = match page {
        Page::Terminal(columns) => columns,
        Page::Paper => PAPER,
    };
    while total(&columns) > width {
        let last = columns.iter().map(|column| column.rank).max().unwrap_or(0);
        if last == 0 {
            break;
        }
        columns.retain(|column| column.rank != last);
    }
    let excess = match page {
        Page::Terminal(_) => total(&columns).saturating_sub(width),
        Page::Paper => 0,
    };
    let first = columns.first().map_or(0, Column::width);
    let first = first.saturating_sub(excess).max(LEAST_NAME.min(first));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    let titles = std::iter::once(line(&columns, first, |column| column.title));
    let body = (0..rows).map(|row| line(&columns, first, |column| column.cells[row].as_str()));
    titles.chain(body).collect()
}

fn total(columns: &[Column]) -> usize {
    let widths: usize = columns.iter().map(Column::width).sum();
    widths + GAP * columns.len().saturating_sub(1)
}

fn line<'c>(columns: &'c [Column], first: usize, cell: impl Fn(&'c Column) -> &'c str) -> String {
    let cells = columns.iter().enumerate().map(|(place, column)| {
        let width = if place == 0 { first } else { column.width() };
        let text = cell(column);
        if column.is_number {
            format!("{}{text}", " ".repeat(width.saturating_sub(format::width(text))))
        } else {
            format::pad_or_truncate(text, width)
        }
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
