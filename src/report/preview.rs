//! Masked rows, as columns of text. Pure.

use crate::mask_preview::Preview;
use crate::report::format;
use crate::run::mask_check::MaskCheck;

/// Characters of a value that are shown.
const WIDEST: usize = 40;

/// The rows under the names of their columns, and which columns are not shown.
pub fn printed(preview: &Preview) -> String {
    let titles = preview.columns.iter().map(|column| Some(column.as_str().to_owned())).collect();
    let rows = std::iter::once(&titles).chain(&preview.rows);
    let lines: Vec<Vec<String>> = rows.map(|row| row.iter().map(cell).collect()).collect();
    let widths: Vec<usize> = (0..preview.columns.len())
        .map(|place| lines.iter().map(|line| format::width(&line[place])).max().unwrap_or(0))
        .collect();
    let aligned = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format::pad_or_truncate(cell, *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text: Vec<String> = lines.iter().map(aligned).collect();
    let hidden = [
        (&preview.undecided, "for neither masked nor kept"),
        (&preview.computed, "for the target computes them"),
    ];
    text.extend(hidden.into_iter().filter(|(columns, _)| !columns.is_empty()).map(
        |(columns, why)| {
            let names = columns.iter().map(|name| format::sanitize(name.as_str()));
            format!("not shown, {why}: {}", names.collect::<Vec<_>>().join(", "))
        },
    ));
    text.join("\n") + "\n"
}

/// That all is well.
pub fn checked(check: &MaskCheck) -> String {
    let MaskCheck { tables, masks, .. } = check;
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    };
    format!(
        "the rules of {} and {} are right\n",
        count(*tables, "table"),
        count(*masks, "masked column")
    )
}

fn cell(value: &Option<String>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) => {
            let text = format::sanitize(text);
            let width = format::width(&text).min(WIDEST);
            format::pad_or_truncate(&text, width)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::Ident;

    #[test]
    fn rows_stand_under_the_names_of_their_columns() {
        let texts =
            |texts: [Option<&str>; 2]| texts.iter().map(|text| text.map(str::to_owned)).collect();
        let preview = Preview {
            columns: vec![Ident::new("id"), Ident::new("name")],
            rows: vec![texts([Some("100"), Some("Ann\nLee")]), texts([Some("2"), None])],
            undecided: vec![Ident::new("note")],
            computed: vec![Ident::new("slug")],
        };
        let expected = "id   name\n100  Ann\\nLee\n2    NULL\n\
                        not shown, for neither masked nor kept: note\n\
                        not shown, for the target computes them: slug\n";
        assert_eq!(printed(&preview), expected);
    }
}
