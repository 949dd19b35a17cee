//! What people write as a connection string, and what comes of it.

use std::collections::BTreeMap;

use crate::config::conninfo::*;
use crate::config::environment::FileText;

mod defaults;
mod every_parameter;

/// Files by name, with permission bits.
type Files = &'static [(&'static str, u32, &'static str)];

const ENVIRONMENT: &[(&str, &str)] = &[("USER", "ann"), ("HOME", "/home/ann")];

fn parse_in(text: &str, variables: &[(&str, &str)], files: Files) -> Result<Parsed, Vec<String>> {
    let read = move |name: &str| {
        let file = files.iter().find(|(file, ..)| *file == name);
        Ok(file.map(|(_, mode, text)| FileText { text: (*text).into(), mode: *mode }))
    };
    let variables: BTreeMap<String, String> = ENVIRONMENT
        .iter()
        .chain(variables)
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    parse(text, &Environment { variables, read: &read })
}

/// `user:password@host:port,…/database` and what is not default, in one line.
fn shown(info: &ConnInfo) -> String {
    let password = info.password.as_ref().map(|p| format!(":{}", p.expose())).unwrap_or_default();
    let mut text = format!("{}{password} at {}", info.user, info.describe());
    for host in &info.hosts {
        let own = host.password.as_ref().map(|p| format!(" pgpass={}", p.expose()));
        text.push_str(&own.unwrap_or_default());
    }
    if info.ssl != Ssl::default() {
        let Ssl { mode, root_cert, cert, key, direct, channel_binding, .. } = &info.ssl;
        let Ssl { no_cert, hide_name, versions, .. } = &info.ssl;
        text += &format!(" {mode:?} root={root_cert:?} cert={cert:?} key={key:?}");
        text += &format!(" direct={direct} {channel_binding:?}");
        text += if *no_cert { " no-cert" } else { "" };
        text += if *hide_name { " no-name" } else { "" };
        if *versions != TlsVersions::Both {
            text += &format!(" {versions:?}");
        }
    }
    text += &match info.connect_timeout {
        Some(limit) if limit == Duration::from_secs(30) => String::new(),
        Some(limit) => format!(" timeout={limit:?}"),
        None => " no timeout".to_owned(),
    };
    if info.keepalive != Keepalive::default() {
        text += &format!(" {:?}", info.keepalive);
    }
    text += &info.options.as_ref().map(|o| format!(" options={o}")).unwrap_or_default();
    if info.application_name != PROGRAM {
        text += &format!(" app={}", info.application_name);
    }
    text + if info.read_write { " read-write" } else { "" }
}

fn outcome(text: &str, variables: &[(&str, &str)], files: Files) -> String {
    match parse_in(text, variables, files) {
        Ok(Parsed { info, warnings }) => [vec![shown(&info)], warnings].concat().join("\n"),
        Err(problems) => format!("error: {}", problems.join("\nerror: ")),
    }
}

#[track_caller]
fn assert_outcomes(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(outcome(text, &[], &[]), *expected, "{text}");
    }
}

#[test]
fn urls() {
    assert_outcomes(&[
        ("postgresql://", "ann at /var/run/postgresql:5432/ann"),
        ("postgres:///shop", "ann at /var/run/postgresql:5432/shop"),
        ("postgres://db", "ann at db:5432/ann"),
        ("postgres://db/", "ann at db:5432/ann"),
        ("postgres://bob@db:5433/shop", "bob at db:5433/shop"),
        ("postgres://bob@/shop", "bob at /var/run/postgresql:5432/shop"),
        ("postgres://:5433/shop", "ann at /var/run/postgresql:5433/shop"),
        ("postgresql://bob:p%40%2F%3a%25@db/shop", "bob:p@/:% at db:5432/shop"),
        ("postgres://b%C3%A9:@db/sh%20op", "bé at db:5432/sh op"),
        ("postgres://bob:a@b:c@db/shop", "bob:a@b:c at db:5432/shop"),
        ("postgres://bob:a?b@db/shop", "bob:a?b at db:5432/shop"),
        ("postgres://[::1]:5433/shop", "ann at [::1]:5433/shop"),
        ("postgres://[fe80::1%25eth0]/shop", "ann at [fe80::1%eth0]:5432/shop"),
        ("postgres://a,b:5433,[::1]/shop", "ann at a:5432,b:5433,[::1]:5432/shop"),
        ("postgres://%2Ftmp:5433/shop", "ann at /tmp:5433/shop"),
        ("postgres:///shop?host=/tmp&port=5433", "ann at /tmp:5433/shop"),
        ("postgres://x/?host=a,b&port=1,2&dbname=d&user=u&password=p", "u:p at a:1,b:2/d"),
        ("postgres://db/shop?user=a@b", "a@b at db:5432/shop"),
        ("  postgres://db/shop?\n", "ann at db:5432/shop"),
        (
            "postgres://db/shop?ssl=true",
            "ann at db:5432/shop Require root=None cert=None key=None direct=false Prefer",
        ),
        (
            "postgres://db/shop?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k\
             &sslnegotiation=direct&channel_binding=require&connect_timeout=5\
             &options=-c%20x%3D1&target_session_attrs=read-write&application_name=x",
            "ann at db:5432/shop VerifyFull root=Some(\"/ca\") cert=Some(\"/c\") key=Some(\"/k\") \
             direct=true Require timeout=5s options=-c x=1 app=x read-write",
        ),
    ]);
}

#[test]
fn key_value_strings() {
    assert_outcomes(&[
        ("shop", "ann at /var/run/postgresql:5432/shop"),
        ("host=db", "ann at db:5432/ann"),
        ("host = db  port= 5433 dbname =shop user=bob", "bob at db:5433/shop"),
        (
            "host='' dbname='my shop' password='a b\\'c\\\\'",
            "ann:a b'c\\ at /var/run/postgresql:5432/my shop",
        ),
        ("host=db password=a\\ b\\'c", "ann:a b'c at db:5432/ann"),
        ("host=a,b port=5433", "ann at a:5433,b:5433/ann"),
        ("host=a,,/tmp port=1,,3", "ann at a:1,/var/run/postgresql:5432,/tmp:3/ann"),
        ("hostaddr=10.0.0.1,::1", "ann at 10.0.0.1:5432,[::1]:5432/ann"),
        ("host=::1", "ann at [::1]:5432/ann"),
        ("host=db connect_timeout=0", "ann at db:5432/ann no timeout"),
        ("host=db connect_timeout=-1", "ann at db:5432/ann no timeout"),
        (
            "host=db keepalives=1 client_encoding=UTF8 gssencmode=prefer sslsni=1",
            "ann at db:5432/ann",
        ),
        (
            "host=db keepalives=0 keepalives_idle=9 keepalives_interval=-1 tcp_user_timeout=1500",
            "ann at db:5432/ann Keepalive { unasked: true, idle: Some(9s), interval: Some(0ns), \
             count: None, unacknowledged: Some(1.5s) }",
        ),
        (
            "host=db sslrootcert=system",
            "ann at db:5432/ann VerifyFull root=Some(\"system\") cert=None key=None direct=false Prefer",
        ),
    ]);
}

#[test]
fn what_cannot_be_read_is_described_and_not_shown() {
    let encode =
        "in a password, write % as %25, / as %2F, @ as %40, : as %3A, ? as %3F and # as %23";
    let forms = "error: must be one of: postgresql://user@host/database, host=… dbname=…, or a database name";
    let after = format!("error: the URL has an @ after its host part; {encode}");
    let port = format!(
        "error: the port in the URL is not a number; if a part of the password stands there: {encode}"
    );
    let hidden = "error: unknown parameter (not shown, it may be part of a password)";
    let cases: &[(&str, &str)] = &[
        ("mysql://u:hunter2@h/db", "error: a URL must begin with postgresql:// or postgres://"),
        ("mysql://u:hunter2=@h/db", "error: a URL must begin with postgresql:// or postgres://"),
        ("postgres:/u:hunter2@h/db", forms),
        ("u:hunter2@h", forms),
        ("two words", forms),
        ("postgres://u:hun/ter2@h/db", &after),
        ("postgres://u:12/34hunter2@h/db", &after),
        ("postgres://u:hunter@x/2@h/db", &after),
        ("postgres://u:hunter2?x/y@h/db", &after),
        ("postgres://u:hunter2", &port),
        (
            "postgres://u:hunter2 x@h",
            &format!("error: the URL contains a blank, written %20; {encode}"),
        ),
        (
            "postgres://u@h\npostgres://u@i",
            "error: the text has more than one line: it must be the URL alone",
        ),
        (
            "postgres://u:hunter%zz2@h",
            &format!("error: the URL has a % without two hex digits; {encode}"),
        ),
        ("postgres://u:a%00@h", "error: the URL contains %00, which no name can have"),
        ("postgres://u:a%ff@h", "error: the URL's percent-encoding is not UTF-8"),
        ("postgres://[::1/db", "error: an IPv6 address is written [::1] or [::1]:5432"),
        (
            "postgres://h:70000,i:0/db",
            "error: port \"70000\" is no number from 1 to 65535\nerror: port \"0\" is no number from 1 to 65535",
        ),
        (
            "postgres://h/db?sslmod=require&x",
            "error: unknown parameter \"sslmod\"; did you mean \"sslmode\"?\nerror: a parameter after ? in the URL has no =; in a password, write % as %25, / as %2F, @ as %40, : as %3A, ? as %3F and # as %23",
        ),
        ("host=h password=hunter two=2", hidden),
        (
            "host=h password=hunter two",
            "error: a word without = (not shown); a value with blanks needs single quotes",
        ),
        ("host=h password='hunter2", "error: a single quote is not closed"),
        (
            "host=u:hunter2@h",
            "error: host is no host name (not shown); port and user are parameters of their own",
        ),
        ("dbname=postgres://u:hunter2@h/d", "error: dbname is a URL, not the name of a database"),
        ("host=h hots=x", "error: unknown parameter \"hots\"; did you mean \"host\"?"),
    ];
    for (text, expected) in cases {
        let outcome = outcome(text, &[], &[]);
        assert_eq!(outcome, *expected, "{text}");
        assert!(!outcome.contains("hunter") && !outcome.contains("34"), "{outcome}");
    }
}

#[test]
fn every_wrong_value_is_named() {
    assert_outcomes(&[
        (
            "host=a,b port=1,2,3 sslmode=on connect_timeout=x target_session_attrs=standby sslcrl=/x",
            "error: sslcrl is not supported: pgsync does not read revocation lists\n\
             error: port lists 3 ports for 2 hosts\n\
             error: sslmode \"on\" must be one of: disable, allow, prefer, require, verify-ca, verify-full\n\
             error: connect_timeout \"x\" is no number of seconds\n\
             error: target_session_attrs \"standby\" must be one of: any, read-write",
        ),
        (
            "host=a hostaddr=b",
            "error: hostaddr beside host is not supported: name one of the two\nerror: hostaddr \"b\" is no IP address",
        ),
        (
            "sslrootcert=system sslmode=require",
            "error: sslrootcert=system needs sslmode=verify-full",
        ),
        (
            "sslnegotiation=direct gssencmode=require ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "error: gssencmode=require is not supported: pgsync encrypts with TLS only\n\
             error: ssl_max_protocol_version is below ssl_min_protocol_version\n\
             error: sslnegotiation=direct needs sslmode=require or stronger",
        ),
        (
            "sslmode=disable channel_binding=require",
            "error: channel_binding=require needs TLS, not sslmode=disable",
        ),
    ]);
}

#[test]
fn a_literal_password_is_told_from_a_reference() {
    let cases = [
        ("postgres://u:pw@h/d", true),
        ("postgres://u:x${PW}@h:${PORT}/d", true),
        ("postgres://u:${PW}@h:${PORT}/d", false),
        ("host=h password=pw", true),
        ("host=h password=${PW}", false),
        ("host=h password = ${PW} dbname=d", false),
        ("host=h password='${PW}' dbname=d", false),
        ("host=h password=x${PW} dbname=d", true),
        ("host=${H} password=pw dbname=d", true),
        ("postgres://u:pw@h/d?host=${H}", true),
        ("host=h", false),
        ("env:DATABASE_URL", false),
        ("@/run/secrets/db", false),
        ("${unclosed", false),
    ];
    for (text, expected) in cases {
        assert_eq!(holds_password(text), expected, "{text}");
    }
}

#[test]
fn any_input_is_answered_without_a_panic() {
    let pieces = [
        "postgres://",
        "u",
        ":",
        "@",
        "/",
        "?",
        "%",
        "%4",
        "[",
        "]",
        ",",
        "=",
        "'",
        "\\",
        " ",
        "é",
        "host",
        "password",
        "&",
        "0",
        "99999999999999999999",
        "\0",
        "$",
        "{",
    ];
    // A fixed linear congruence: the same inputs in every run.
    let mut state: usize = 1;
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..state % 12 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(pieces[(state >> 33) % pieces.len()]);
        }
        state = state.wrapping_add(1);
        let _ = (parse_in(&text, &[], &[]), holds_password(&text));
    }
}

#[test]
fn debug_shows_no_password() {
    const FILES: Files = &[("/home/ann/.pgpass", 0o600, "*:*:*:ann:hunter2\n")];
    let strings = ["postgres://ann:hunter2@h/d", "host=h password=hunter2", "host=h"];
    for text in strings {
        let parsed = parse_in(text, &[], FILES).unwrap();
        let shown = format!("{parsed:?} {:?} {}", parsed.info, parsed.info.describe());
        assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
    }
    let parsed = parse_in("host=h", &[("PGPASSWORD", "hunter2")], &[]).unwrap();
    assert!(!format!("{parsed:?}").contains("hunter2"));
}
