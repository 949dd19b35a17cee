//! "Did you mean": the nearest of the names that exist. Owns the measure of nearness, so that a
//! mistyped key, parameter, flag or table is answered in the same way everywhere.

/// Names beyond this length are not typing errors; measuring them would cost their square.
const LONGEST: usize = 200;

/// Up to `most` of `candidates` that could be meant by `word`, nearest first; letter case does not
/// count as a difference.
pub fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let length = word.chars().count();
    if length > LONGEST {
        return Vec::new();
    }
    let lower = word.to_lowercase();
    let tolerated = (length / 3).max(2);
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        // Everything is within two letters of a one-letter word.
        .filter(|(distance, name)| *distance <= tolerated && *distance < name.chars().count())
        .collect();
    found.sort();
    found.into_iter().take(most).map(|(_, name)| name).collect()
}

/// `; did you mean "parallel"?`, or nothing when nothing is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, candidates, 1).first() {
        Some(name) => format!("; did you mean \"{name}\"?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let names = ["parallel", "batchSize", "sourceDb", "json"];
        let cases = [
            ("paralel", "; did you mean \"parallel\"?"),
            ("batch_size", "; did you mean \"batchSize\"?"),
            ("SOURCEDB", "; did you mean \"sourceDb\"?"),
            ("jsno", "; did you mean \"json\"?"),
            ("colour", ""),
            ("", ""),
        ];
        for (word, answer) in cases {
            assert_eq!(did_you_mean(word, names), answer, "{word}");
        }
        assert_eq!(did_you_mean(&"a".repeat(1 << 20), names), "");
    }
}
