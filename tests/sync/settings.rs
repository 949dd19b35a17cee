//! What a session's settings are, whatever role, database and connection string say.

use crate::support::Pair;

/// A table whose rows note what a setting is in the session that inserts them.
const NOTED: &str = "create table item (id int primary key);
     create table seen (name text);
     create function note() returns trigger language plpgsql as $$ begin
         insert into public.seen values (current_setting('application_name')); return null; end $$;
     create trigger noted after insert on item for each statement execute procedure note();
     alter table item enable always trigger noted";

#[tokio::test]
async fn the_application_name_that_the_user_gives_reaches_the_server() {
    for (parameter, variable, expected) in [
        ("", "", "pgsync"),
        ("application_name=nightly", "", "nightly"),
        ("fallback_application_name=last", "", "last"),
        ("", "of the environment", "of the environment"),
        ("application_name=nightly", "of the environment", "nightly"),
    ] {
        let db = Pair::fresh().await;
        db.source("create table item (id int primary key); insert into item values (1)").await;
        db.target(NOTED).await;
        let url = db.target_url();
        let joint = if url.contains('?') { '&' } else { '?' };
        let run = db.sync().include("item").target_url(format!("{url}{joint}{parameter}"));
        let run = if variable.is_empty() { run } else { run.env("PGAPPNAME", variable) };
        run.await.expect_ok();
        assert_eq!(
            db.target_value("select string_agg(distinct name, ',') from seen").await,
            expected
        );
    }
}
