//! Connection service files: `[name]` sections of `parameter=value` lines.

use super::parameters;
use super::parameters::Parameters;
use crate::config::environment::Environment;
use crate::suggest;

/// Where Debian's libpq looks after the user's own file.
const SYSTEM_FOLDER: &str = "/etc/postgresql-common";

/// Adds what the service named by the string or `PGSERVICE` says and the string leaves open.
pub fn fill(parameters: &mut Parameters, environment: &Environment) -> Result<(), String> {
    let named = parameters.get("service").or_else(|| environment.variable("PGSERVICE"));
    let Some(service) = named.map(str::to_owned) else { return Ok(()) };
    let mut sections = Vec::new();
    for file in files(parameters, environment) {
        let read = (environment.read)(&file);
        let read = read.map_err(|why| format!("service file {file} cannot be read: {why}"))?;
        let Some(content) = read else { continue };
        let section = section(&content.text, &service)
            .map_err(|problem| format!("service file {file}, service \"{service}\": {problem}"))?;
        match section {
            Some(lines) => {
                let origin = format!("service \"{service}\" in {file}");
                for line in lines {
                    parameters.set_default(line.parameter, &line.value, &origin);
                }
                return Ok(());
            }
            None => sections.extend(names(&content.text)),
        }
    }
    let near = suggest::did_you_mean(&service, sections.iter().map(String::as_str));
    Err(format!("service \"{service}\" is in no service file{near}"))
}

fn files(parameters: &Parameters, environment: &Environment) -> Vec<String> {
    let named = parameters.get("servicefile").or_else(|| environment.variable("PGSERVICEFILE"));
    let own = named.map(str::to_owned).or_else(|| environment.in_home(".pg_service.conf"));
    let folder = environment.variable("PGSYSCONFDIR").unwrap_or(SYSTEM_FOLDER);
    own.into_iter().chain([format!("{folder}/pg_service.conf")]).collect()
}

fn header(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

fn names(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| header(line.trim())).map(str::to_owned).collect()
}

/// A line of a service file: `host=db.example.com`.
struct Line {
    parameter: &'static str,
    value: String,
}

/// The lines of one section; `None` when the file has no such section. Later lines of the same
/// name count less, as in libpq: the caller takes the first.
fn section(text: &str, service: &str) -> Result<Option<Vec<Line>>, String> {
    let mut found = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            if found.is_some() {
                break;
            }
            if header(line) == Some(service) {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(lines) = &mut found else { continue };
        let at = format!("line {}", number + 1);
        let (name, value) = line.split_once('=').ok_or(format!("{at} has no ="))?;
        let name = name.trim_end();
        if name == "service" || name == "servicefile" {
            return Err(format!("{at} names another service, which libpq does not follow"));
        }
        let known = parameters::known(name);
        let known = known.ok_or_else(|| format!("{at}: {}", parameters::unknown(name, false)))?;
        lines.push(Line { parameter: known, value: value.trim_start().to_owned() });
    }
    Ok(found)
}
