//! Values that stand elsewhere: `${NAME}` in the config file, and connection strings that come
//! whole from a variable or a file. Names are shown in problems, what they stand for never.

use super::environment::Environment;

/// Replaces each `${NAME}`; `$${` stands for `${`. What a variable holds is not expanded again.
pub fn expand(text: &str, environment: &Environment) -> Result<String, String> {
    expand_with(text, environment, &|_, value| value.to_owned())
}

/// The same in a connection string: between single quotes a value is put in so that it is read as it is.
pub fn expand_connection(text: &str, environment: &Environment) -> Result<String, String> {
    expand_with(text, environment, &|before, value| {
        if is_within_quotes(before) {
            value.replace('\\', "\\\\").replace('\'', "\\'")
        } else {
            value.to_owned()
        }
    })
}

/// Whether a quote is open behind the beginning of a string of key=value pairs. A URL has no quotes.
fn is_within_quotes(before: &str) -> bool {
    let mut chars = before.chars();
    let mut is_open = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' => is_open = !is_open,
            _ => {}
        }
    }
    is_open && !before.contains("://")
}

/// `put` gives what stands in the place of a value, behind a beginning of the text.
fn expand_with(
    text: &str,
    environment: &Environment,
    put: &dyn Fn(&str, &str) -> String,
) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        expanded.push_str(&rest[..at]);
        let name = rest[at + 2..].split_once('}').filter(|(name, _)| is_name(name));
        let Some((name, after)) = name else {
            // What stands there may be a piece of a password.
            return Err("has a ${ without a variable's name and a }; a ${ as such is $${".into());
        };
        let value = environment.variables.get(name);
        let value = value.ok_or_else(|| format!("names ${{{name}}}, which is not set"))?;
        let before = text.len() - rest.len() + at;
        expanded.push_str(&put(&text[..before], value));
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The connection string itself, when `text` is `env:NAME`, `file:PATH` or `@PATH`.
pub fn follow(text: &str, environment: &Environment) -> Result<String, String> {
    if let Some(name) = text.strip_prefix("env:") {
        if !is_name(name) {
            return Err(
                "the name of a variable must follow env: at once, as in env:DATABASE_URL".into()
            );
        }
        let value = environment.variable(name);
        return value.map(str::to_owned).ok_or_else(|| {
            let is_set = environment.variables.contains_key(name);
            format!("names env:{name}, which is {}", if is_set { "empty" } else { "not set" })
        });
    }
    match text.strip_prefix("file:").or_else(|| text.strip_prefix('@')) {
        Some(path) => match (environment.read)(path) {
            Ok(Some(file)) if file.text.trim().is_empty() => Err(format!("file {path} is empty")),
            Ok(Some(file)) => Ok(file.text.trim().to_owned()),
            Ok(None) => Err(format!("file {path} does not exist")),
            Err(why) => Err(format!("file {path} cannot be read: {why}")),
        },
        None => Ok(text.to_owned()),
    }
}

/// Whether a text says where another one stands: `env:NAME`, `file:PATH` or `@PATH`.
pub fn is_reference(text: &str) -> bool {
    ["env:", "file:", "@"].iter().any(|start| text.starts_with(start))
}

/// The variable that a text is as a whole: `$NAME` or `${NAME}`, which nobody has replaced.
pub fn unreplaced(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    let braced = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    Some(braced.unwrap_or(rest)).filter(|name| is_name(name))
}

/// Whether a text has a `${NAME}` in it, or is `$NAME`.
pub fn has_unreplaced(text: &str) -> bool {
    let mut after = text.split("${").skip(1);
    let is_reference = |rest: &str| rest.split_once('}').is_some_and(|(name, _)| is_name(name));
    unreplaced(text).is_some() || after.any(is_reference)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::FileText;

    fn answer(result: Result<String, String>) -> String {
        result.unwrap_or_else(|problem| format!("error: {problem}"))
    }

    #[test]
    fn what_nobody_has_replaced_is_seen() {
        let cases = [
            ("$SRC", Some("SRC"), true),
            ("${SRC}", Some("SRC"), true),
            ("host=h password=${PW}", None, true),
            ("${PW}x", None, true),
            ("pa$word", None, false),
            ("${}", None, false),
            ("$", None, false),
            ("$1", None, false),
            ("a${b c}", None, false),
        ];
        for (text, whole, any) in cases {
            assert_eq!((unreplaced(text), has_unreplaced(text)), (whole, any), "{text}");
        }
    }

    #[test]
    fn references_are_followed_once_and_named_when_they_lead_nowhere() {
        let read = |name: &str| match name {
            "/run/db" => Ok(Some(FileText { text: "postgres://h\n".into(), mode: 0o600 })),
            "/run/empty" => Ok(Some(FileText { text: "\n".into(), mode: 0o600 })),
            "/run/shut" => Err("permission denied".into()),
            _ => Ok(None),
        };
        let variables = [("A", "1"), ("B_2", "${A}"), ("E", ""), ("Q", r"it's \ it")];
        let variables = variables.map(|(name, value)| (name.to_string(), value.to_string())).into();
        let environment = Environment { variables, read: &read };
        let wrong = "error: has a ${ without a variable's name and a }; a ${ as such is $${";
        let cases = [
            ("plain $ {A} $A", "plain $ {A} $A"),
            ("${A}-${A}${E}", "1-1"),
            ("${B_2}", "${A}"),
            ("$${A}", "${A}"),
            ("x$$${A}", "x$${A}"),
            ("${NO}", "error: names ${NO}, which is not set"),
            ("${}", wrong),
            ("${1}", wrong),
            ("p${w", wrong),
            ("é${a b}", wrong),
        ];
        for (text, expected) in cases {
            assert_eq!(answer(expand(text, &environment)), expected, "{text}");
        }
        let cases = [
            ("host=h password='${Q}'", r"host=h password='it\'s \\ it'"),
            ("host='h' password=${Q}", r"host='h' password=it's \ it"),
            (r"user='o\'n' password='${Q}'", r"user='o\'n' password='it\'s \\ it'"),
            ("postgres://o'n:${Q}@h", r"postgres://o'n:it's \ it@h"),
            ("'${NO}'", "error: names ${NO}, which is not set"),
        ];
        for (text, expected) in cases {
            assert_eq!(answer(expand_connection(text, &environment)), expected, "{text}");
        }
        let cases = [
            ("postgres://h", "postgres://h"),
            ("env:A", "1"),
            ("env:E", "error: names env:E, which is empty"),
            (
                "env:",
                "error: the name of a variable must follow env: at once, as in env:DATABASE_URL",
            ),
            ("@/run/db", "postgres://h"),
            ("file:/run/db", "postgres://h"),
            ("@/run/empty", "error: file /run/empty is empty"),
            ("@/run/shut", "error: file /run/shut cannot be read: permission denied"),
            ("@/run/no", "error: file /run/no does not exist"),
        ];
        for (text, expected) in cases {
            assert_eq!(answer(follow(text, &environment)), expected, "{text}");
        }
    }
}
