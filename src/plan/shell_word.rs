//! Words of a command that a message gives.

/// One word of a shell's command.
pub fn pasted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.=-".contains(c);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else if word.contains('\'') && !word.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_table_is_one_word_to_a_shell() {
        assert_eq!(pasted("public.item.maxDelete=off"), "public.item.maxDelete=off");
        assert_eq!(pasted("item.where=kind = 'a b'"), "\"item.where=kind = 'a b'\"");
        assert_eq!(pasted("item.where=kind = 'a!'"), r"'item.where=kind = '\''a!'\'''");
        assert_eq!(pasted("it's.a b.maxDelete=off"), "\"it's.a b.maxDelete=off\"");
    }
}
