//! "Did you mean": the nearest of the names that exist. Owns the measure of nearness, so that a
//! mistyped key, parameter, flag or table is answered in the same way everywhere.

/// Names beyond this length are not typing errors; measuring them would cost their square.
const LONGEST: usize = 200;

/// In words up to this length, two letters may be wrong only if the first is right.
const SHORT: usize = 3;

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
    let near = |name: &'a str| {
        let other = name.to_lowercase();
        let distance = strsim::damerau_levenshtein(&lower, &other);
        // Few mistype the first letter.
        let begins_otherwise = lower.chars().next() != other.chars().next();
        Near { distance, begins_otherwise, name }
    };
    let mut found: Vec<Near<'a>> = candidates
        .into_iter()
        .map(near)
        .filter(|near| near.distance <= tolerated)
        // Everything is within two letters of a one-letter word, and most within two of three.
        .filter(|near| near.distance < near.name.chars().count())
        .filter(|near| near.distance < 2 || length > SHORT || !near.begins_otherwise)
        .collect();
    found.sort();
    found.into_iter().take(most).map(|near| near.name).collect()
}

/// A name, and how far it is from the word; the nearest sorts first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Near<'a> {
    distance: usize,
    begins_otherwise: bool,
    name: &'a str,
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
        let names = ["parallel", "batchSize", "sourceDb", "json", "force", "source", "log"];
        let cases = [
            ("paralel", "; did you mean \"parallel\"?"),
            ("batch_size", "; did you mean \"batchSize\"?"),
            ("SOURCEDB", "; did you mean \"sourceDb\"?"),
            ("jsno", "; did you mean \"json\"?"),
            ("sorce", "; did you mean \"source\"?"),
            ("forse", "; did you mean \"force\"?"),
            ("jsn", "; did you mean \"json\"?"),
            ("lgo", "; did you mean \"log\"?"),
            ("foo", ""),
            ("colour", ""),
            ("", ""),
        ];
        for (word, answer) in cases {
            assert_eq!(did_you_mean(word, names), answer, "{word}");
        }
        assert_eq!(did_you_mean(&"a".repeat(1 << 20), names), "");
    }
}
