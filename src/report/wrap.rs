//! Lines as wide as a terminal: what goes on stands under where the text of its line begins. Pure.

use super::format;

/// No narrower than this: a word a line is no text.
const NARROWEST: usize = 20;

/// The text with its long lines broken between words.
pub fn wrapped(text: &str, columns: usize) -> String {
    text.split_inclusive('\n').map(|line| wrapped_line(line, columns)).collect()
}

fn wrapped_line(line: &str, columns: usize) -> String {
    let text = line.trim_end_matches('\n');
    if format::width(text) <= columns || columns < NARROWEST {
        return line.to_owned();
    }
    let own = text.len() - text.trim_start().len();
    // A command is one still, pasted as it stands.
    let is_command = text[own..].starts_with("pgsync ");
    let (ending, hang) = if is_command { (" \\", own + 2) } else { ("", hang(text, columns)) };
    let start = text[..own].to_owned();
    let (mut wrapped, mut current) = (String::new(), start);
    let room = columns.saturating_sub(ending.len());
    for word in text[own..].split(' ') {
        let is_first = current.trim().is_empty();
        if !is_first && format::width(&current) + 1 + format::width(word) <= room {
            current.push(' ');
        } else if !is_first {
            wrapped += &format!("{}{ending}\n", current.trim_end());
            current = " ".repeat(hang);
        }
        current.push_str(word);
    }
    wrapped + &current + &line[text.len()..]
}

/// Where what goes on begins: under the text behind a name, if that leaves room for it.
fn hang(text: &str, columns: usize) -> usize {
    let own = text.len() - text.trim_start().len();
    let gap = text[own..].find("  ").map(|at| own + at);
    let behind = gap.map(|at| at + text[at..].len() - text[at..].trim_start().len());
    behind.filter(|behind| behind + NARROWEST <= columns).unwrap_or(own + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_under_their_text() {
        let cases = [
            ("short\n", "short\n"),
            (
                "  -a <X>  one two three four five six\n",
                "  -a <X>  one two three four\n          five six\n",
            ),
            (
                "one two three four five six seven eight",
                "one two three four five six\n  seven eight",
            ),
            (
                "  pgsync -source postgres://a -target b\n",
                "  pgsync -source \\\n    postgres://a -target b\n",
            ),
            (
                "verylongwordthatgoesonandonandonandon x\n",
                "verylongwordthatgoesonandonandonandon\n  x\n",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(wrapped(text, 30), expected, "{text}");
        }
    }
}
