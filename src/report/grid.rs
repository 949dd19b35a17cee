//! Columns of text for a terminal: what is least wanted is left out until the rest fits. Pure.

use crate::report::format;

/// One column.
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
/// A name that is cut keeps so much.
const LEAST_NAME: usize = 12;

/// The lines of a table, with its titles, of at most `width` terminal columns. The first column is cut where
/// even the needed ones are too wide. No line ends in a space.
pub(super) fn lines(mut columns: Vec<Column>, width: usize) -> Vec<String> {
    while total(&columns) > width {
        let last = columns.iter().map(|column| column.rank).max().unwrap_or(0);
        if last == 0 {
            break;
        }
        columns.retain(|column| column.rank != last);
    }
    let excess = total(&columns).saturating_sub(width);
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
