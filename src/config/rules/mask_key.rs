//! The key of the masks. It stands in a variable or in a file, never in the config file itself, and no message
//! shows it.

use crate::config::conninfo::Secret;
use crate::config::environment::Environment;
use crate::config::interpolation;
use crate::rules::Origin;

/// Bytes that a key has at least.
const LEAST: usize = 16;

/// Reads the key from where `text` says.
///
/// # Errors
/// Why there is none.
pub fn read(
    text: &str,
    environment: &Environment,
    warnings: &mut Vec<String>,
    origin: &Origin,
) -> Result<Secret, String> {
    let key = if is_reference(text) {
        interpolation::expand(text, environment)?
    } else if text.starts_with("env:") || path(text).is_some() {
        interpolation::follow(text, environment)?
    } else {
        return Err("is the key itself; say where it stands: env:NAME, @FILE or ${NAME}".into());
    };
    if key.len() < LEAST {
        let length = key.len();
        return Err(format!(
            "the key in {text} has {length} bytes, and needs {LEAST} or more: openssl rand -hex 32 makes one"
        ));
    }
    if key.contains('\0') {
        return Err(format!("the key in {text} has a zero byte"));
    }
    if let Some(path) = path(text)
        && let Ok(Some(file)) = (environment.read)(path)
        && file.is_readable_by_others()
    {
        warnings.push(format!("{origin}: others can read {path}; chmod 600 {path}"));
    }
    Ok(Secret::new(key))
}

fn path(text: &str) -> Option<&str> {
    text.strip_prefix("file:").or_else(|| text.strip_prefix('@'))
}

/// One `${NAME}` and nothing beside it: the rest would be a part of the key in clear.
fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.contains(['{', '}', '$']))
}
