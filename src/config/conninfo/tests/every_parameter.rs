//! libpq's whole list of parameters, 10 to 18: each is used, changes nothing, or is an error.

use crate::config::conninfo::tests::*;

/// What `conninfo_uri_options` of libpq has, and what becomes of a value that is not the default.
const ALL: &[(&str, &str, &str)] = &[
    ("application_name", "nightly", "app=nightly"),
    ("channel_binding", "require", "Require"),
    ("client_encoding", "LATIN1", ""),
    ("connect_timeout", "5", "timeout=5s"),
    ("fallback_application_name", "nightly", "app=nightly"),
    ("gssdelegation", "1", ""),
    ("gssencmode", "require", "error: gssencmode=require is not supported"),
    ("gsslib", "gssapi", ""),
    ("hostaddr", "10.0.0.1", "error: hostaddr beside host"),
    ("keepalives", "0", "unasked: true"),
    ("keepalives_count", "3", "count: Some(3)"),
    ("keepalives_idle", "3", "idle: Some(3s)"),
    ("keepalives_interval", "3", "interval: Some(3s)"),
    ("krbsrvname", "pg", ""),
    ("load_balance_hosts", "random", "error: load_balance_hosts=random is not supported"),
    ("max_protocol_version", "latest", ""),
    ("min_protocol_version", "3.2", "error: min_protocol_version=3.2 is not supported"),
    ("oauth_client_id", "x", "error: oauth_client_id is not supported"),
    ("oauth_client_secret", "x", "error: oauth_client_secret is not supported"),
    ("oauth_issuer", "x", "error: oauth_issuer is not supported"),
    ("oauth_scope", "x", "error: oauth_scope is not supported"),
    ("options", "-cx=1", "options=-cx=1"),
    ("passfile", "/open", "password file /open is ignored"),
    ("password", "pw", "ann:pw at"),
    ("port", "6", ":6/"),
    ("replication", "database", "error: replication=database is not supported"),
    ("require_auth", "none", "error: require_auth is not supported"),
    ("requirepeer", "root", "error: requirepeer is not supported"),
    ("scram_client_key", "x", "error: scram_client_key is not supported"),
    ("scram_server_key", "x", "error: scram_server_key is not supported"),
    ("service", "none", "error: service \"none\" is in no service file"),
    ("servicefile", "/none", ""),
    ("ssl_max_protocol_version", "TLSv1.2", "Only12"),
    ("ssl_min_protocol_version", "TLSv1.3", "Only13"),
    ("sslcert", "/c", "cert=Some(\"/c\")"),
    ("sslcertmode", "disable", "no-cert"),
    ("sslcompression", "1", ""),
    ("sslcrl", "/x", "error: sslcrl is not supported"),
    ("sslcrldir", "/x", "error: sslcrldir is not supported"),
    ("sslkey", "/k", "key=Some(\"/k\")"),
    ("sslkeylogfile", "/k", "error: sslkeylogfile is not supported"),
    ("sslmode", "require", "Require"),
    ("sslnegotiation", "direct", "error: sslnegotiation=direct needs"),
    ("sslpassword", "x", "error: sslpassword is not supported"),
    ("sslrootcert", "/r", "root=Some(\"/r\")"),
    ("sslsni", "0", "no-name"),
    ("target_session_attrs", "read-write", "read-write"),
    ("tcp_user_timeout", "1500", "unacknowledged: Some(1.5s)"),
    ("user", "bob", "bob at"),
];

const FILES: Files = &[("/open", 0o644, "*:*:*:*:x\n")];

#[test]
fn no_parameter_of_libpq_is_dropped_in_silence() {
    let plain = outcome("host=db", &[], &[]);
    for (name, value, expected) in ALL {
        let found = outcome(&format!("host=db {name}={value}"), &[], FILES);
        match expected.is_empty() {
            true => assert_eq!(found, plain, "{name} changes nothing"),
            false => assert!(found.contains(expected), "{name}: {found} has {expected}"),
        }
    }
    let tried = ALL.iter().map(|(name, ..)| *name).chain(["host", "dbname"]);
    let mut tried: Vec<&str> = tried.collect();
    tried.sort_unstable();
    assert_eq!(parameters::names(), tried, "every parameter is tried");
}

#[test]
fn a_value_that_asks_for_nothing_special_is_taken() {
    assert_outcomes(&[
        ("host=db replication=false load_balance_hosts=disable", "ann at db:5432/ann"),
        ("host=db gssencmode=disable min_protocol_version=3.0", "ann at db:5432/ann"),
        ("host=db ssl_min_protocol_version=TLSv1.1 sslcertmode=allow", "ann at db:5432/ann"),
        (
            "host=db sslcertmode=require",
            "error: sslcertmode \"require\" must be one of: disable, allow",
        ),
        (
            "host=db ssl_max_protocol_version=TLSv1",
            "error: ssl_max_protocol_version is below TLSv1.2, which is the oldest that pgsync speaks",
        ),
    ]);
}

#[test]
fn variables_say_what_parameters_say() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("PGAPPNAME", "nightly")], "app=nightly"),
        (&[("PGSSLSNI", "0")], "no-name"),
        (&[("PGSSLCERTMODE", "disable")], "no-cert"),
        (&[("PGSSLMAXPROTOCOLVERSION", "TLSv1.2")], "Only12"),
        (&[("PGREQUIRESSL", "1")], "Require"),
        (&[("PGREQUIRESSL", "1"), ("PGSSLMODE", "disable")], "Disable"),
        (
            &[("PGLOADBALANCEHOSTS", "random")],
            "error: load_balance_hosts (from PGLOADBALANCEHOSTS)=random is not supported",
        ),
        (
            &[("PGMINPROTOCOLVERSION", "3.2")],
            "error: min_protocol_version (from PGMINPROTOCOLVERSION)",
        ),
    ];
    for (variables, expected) in cases {
        let found = outcome("host=db", variables, &[]);
        assert!(found.contains(expected), "{variables:?}: {found}");
    }
    let own = outcome("host=db application_name=mine", &[("PGAPPNAME", "nightly")], &[]);
    assert!(own.contains("app=mine"), "{own}");
}
