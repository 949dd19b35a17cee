//! What a connection string leaves open: variables, services, password file, certificates.

use crate::config::conninfo::tests::*;

type Variables = &'static [(&'static str, &'static str)];

#[test]
fn variables_fill_what_the_string_leaves_open() {
    let all: &[(&str, &str)] = &[
        ("PGHOST", "envhost"),
        ("PGPORT", "6000"),
        ("PGUSER", "envuser"),
        ("PGPASSWORD", "envpw"),
        ("PGDATABASE", "envdb"),
        ("PGSSLMODE", "disable"),
        ("PGOPTIONS", "-c x=1"),
        ("PGCONNECT_TIMEOUT", "7"),
    ];
    let ssl = "Disable root=None cert=None key=None direct=false Prefer";
    let rest = format!("{ssl} timeout=7s options=-c x=1");
    assert_eq!(
        outcome("postgres://", all, &[]),
        format!("envuser:envpw at envhost:6000/envdb {rest}")
    );
    assert_eq!(outcome("postgres://u:p@h:1/d", all, &[]), format!("u:p at h:1/d {rest}"));
    assert_eq!(
        outcome("host=h password='' port=''", all, &[]),
        format!("envuser at h:5432/envdb {rest}")
    );
    assert_eq!(outcome("host=h", &[("PGHOSTADDR", "10.0.0.1")], &[]), "ann at h:5432/ann");
    assert_eq!(
        outcome("d", &[("PGHOSTADDR", "10.0.0.1"), ("PGHOST", "h")], &[]),
        "ann at 10.0.0.1:5432/d"
    );
    assert_eq!(
        outcome("d", &[("PGPORT", "54x"), ("PGREQUIREPEER", "root")], &[]),
        "error: requirepeer (from PGREQUIREPEER) is not supported: \
         pgsync cannot check the owner of a socket\n\
         error: port (from PGPORT) \"54x\" is no number from 1 to 65535"
    );
    assert_eq!(
        outcome("d", &[("USER", ""), ("LOGNAME", "log")], &[]),
        "log at /var/run/postgresql:5432/d"
    );
    assert_eq!(
        outcome("d", &[("USER", "")], &[]),
        "error: names no user, and USER is not set; add user=…"
    );
}

#[test]
fn services_stand_between_string_and_variables() {
    const SERVICES: Files = &[
        (
            "/home/ann/.pg_service.conf",
            0o644,
            "# mine\n[prod]\nhost=prodhost\nport=6001\n  dbname = shop \nport=6002\n[bad]\nhots=x\n[more]\nservice=prod\n[none]\nhost\n",
        ),
        ("/etc/postgresql-common/pg_service.conf", 0o644, "[wide]\nhost=wide\n"),
        ("/other", 0o644, "[prod]\nhost=otherhost\n"),
    ];
    let file = "service file /home/ann/.pg_service.conf, service";
    let cases: &[(&str, Variables, String)] = &[
        ("service=prod", &[("PGPORT", "1"), ("PGUSER", "u")], "u at prodhost:6001/shop".into()),
        ("postgres:///x?service=prod", &[], "ann at prodhost:6001/x".into()),
        ("host=h", &[("PGSERVICE", "prod")], "ann at h:6001/shop".into()),
        ("service=prod", &[("PGSERVICEFILE", "/other")], "ann at otherhost:5432/ann".into()),
        ("service=prod servicefile=/other", &[], "ann at otherhost:5432/ann".into()),
        ("service=wide", &[], "ann at wide:5432/ann".into()),
        (
            "service=prd",
            &[],
            "error: service \"prd\" is in no service file; did you mean \"prod\"?".into(),
        ),
        (
            "service=bad",
            &[],
            format!(
                "error: {file} \"bad\": line 8: unknown parameter \"hots\"; did you mean \"host\"?"
            ),
        ),
        (
            "service=more",
            &[],
            format!(
                "error: {file} \"more\": line 10 names another service, which libpq does not follow"
            ),
        ),
        ("service=none", &[], format!("error: {file} \"none\": line 12 has no =")),
    ];
    for (text, variables, expected) in cases {
        assert_eq!(outcome(text, variables, SERVICES), *expected, "{text} {variables:?}");
    }
}

#[test]
fn the_password_file_is_asked_for_each_host() {
    const PGPASS: &str = "# comment:*:*:*:no\n\nshort:line\n\
        a:5432:shop:ann:pa\n\
        b:*:*:ann:p\\:b\\\\\r\n\
        localhost:5432:shop:ann:local\n\
        /tmp:5432:shop:ann:socket\n\
        we\\:ird:5432:shop:ann:colon\n\
        *:*:*:bob:first\n\
        *:*:*:bob:second\n\
        \\*:*:*:carl:star\n";
    const FILES: Files = &[
        ("/home/ann/.pgpass", 0o600, PGPASS),
        ("/open", 0o640, PGPASS),
        ("/own", 0o600, "*:*:*:*:own:rest\n"),
    ];
    let cases: &[(&str, Variables, &str)] = &[
        ("host=a dbname=shop", &[], "ann at a:5432/shop pgpass=pa"),
        ("host=a dbname=other", &[], "ann at a:5432/other"),
        ("host=a,b dbname=shop", &[], "ann at a:5432,b:5432/shop pgpass=pa pgpass=p:b\\"),
        ("shop", &[], "ann at /var/run/postgresql:5432/shop pgpass=local"),
        ("host=/tmp dbname=shop", &[], "ann at /tmp:5432/shop pgpass=socket"),
        ("host=x user=bob", &[], "bob at x:5432/bob pgpass=first"),
        ("host=x user=carl", &[], "carl at x:5432/carl"),
        ("host=a dbname=shop password=x", &[], "ann:x at a:5432/shop"),
        ("host=a dbname=shop", &[("PGPASSWORD", "env")], "ann:env at a:5432/shop"),
        ("host=x", &[("PGPASSFILE", "/own")], "ann at x:5432/ann pgpass=own"),
        ("host=x passfile=/own", &[], "ann at x:5432/ann pgpass=own"),
        ("host=x passfile=/missing", &[], "ann at x:5432/ann"),
        (
            "host=x passfile=/open",
            &[],
            "ann at x:5432/ann\n\
             password file /open is ignored: others can open it; chmod 600 /open",
        ),
    ];
    for (text, variables, expected) in cases {
        assert_eq!(outcome(text, variables, FILES), *expected, "{text} {variables:?}");
    }
}

#[test]
fn certificates_in_the_home_folder_are_used_as_libpq_uses_them() {
    const FILES: Files = &[
        ("/home/ann/.postgresql/root.crt", 0o644, ""),
        ("/home/ann/.postgresql/postgresql.crt", 0o644, ""),
        ("/home/ann/.postgresql/postgresql.key", 0o600, ""),
    ];
    let cert = "cert=Some(\"/home/ann/.postgresql/postgresql.crt\") \
                key=Some(\"/home/ann/.postgresql/postgresql.key\") direct=false Prefer";
    assert_eq!(
        outcome("host=h sslmode=verify-ca", &[], FILES),
        format!("ann at h:5432/ann VerifyCa root=Some(\"/home/ann/.postgresql/root.crt\") {cert}")
    );
    assert_eq!(outcome("host=h", &[], FILES), format!("ann at h:5432/ann Prefer root=None {cert}"));
}

#[test]
fn what_the_password_file_lacks_is_said_with_its_name() {
    const FILES: Files = &[("/own", 0o600, "a:5432:shop:ann:x\n"), ("/open", 0o640, "")];
    let fits = "fits the host, the port, the database \"shpo\" and the role \"ann\"";
    let no_line = format!(
        "no line of the password file /own {fits}: add one (host:port:database:role:password), or set PGPASSWORD"
    );
    let cases = [
        ("host=a dbname=shpo passfile=/own", Some(no_line.as_str())),
        (
            "host=a dbname=shpo passfile=/gone",
            Some(
                "the password file /gone does not exist: create it, with a line host:port:database:role:password, or set PGPASSWORD",
            ),
        ),
        ("host=a passfile=/open", Some("chmod 600 /open, or set PGPASSWORD")),
        (
            "host=a dbname=shop passfile=/own",
            Some("the password comes from the password file /own"),
        ),
        ("host=a", None),
    ];
    for (text, expected) in cases {
        let hint = parse_in(text, &[], FILES).unwrap().info.password_hint;
        assert_eq!(hint.as_deref(), expected, "{text}");
    }
}
