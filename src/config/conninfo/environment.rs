//! The `PG*` variables, for what connection string and service leave open.

use super::parameters::Parameters;
use crate::config::environment::Environment;

/// Those of libpq that say something which counts here. `PGCLIENTENCODING`, `PGDATESTYLE` and `PGTZ`
/// are about how a client shows values, which the session's settings fix.
const VARIABLES: &[(&str, &str)] = &[
    ("PGAPPNAME", "application_name"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGDATABASE", "dbname"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGHOST", "host"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGPASSWORD", "password"),
    ("PGPORT", "port"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLSNI", "sslsni"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGUSER", "user"),
];

/// Gives each parameter that the string leaves open the value of its `PG…` variable.
pub fn fill(parameters: &mut Parameters, environment: &Environment) {
    // libpq takes PGHOSTADDR also beside a named host. With two databases in one command that
    // would send both connections to one machine.
    if !parameters.has("host")
        && let Some(address) = environment.variable("PGHOSTADDR")
    {
        parameters.set_default("hostaddr", address, "PGHOSTADDR");
    }
    // A host address in the string must not meet a host name of the environment either.
    let has_address = parameters.get("hostaddr").is_some();
    for (variable, name) in VARIABLES {
        let is_open = !(*name == "host" && has_address);
        if let (true, Some(value)) = (is_open, environment.variable(variable)) {
            parameters.set_default(name, value, variable);
        }
    } // The old way to ask for TLS, which libpq still hears where nothing else is said.
    if environment.variable("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        parameters.set_default("sslmode", "require", "PGREQUIRESSL");
    }
}
