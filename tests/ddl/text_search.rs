//! Configurations and dictionaries of text searches that definitions of tables need.

use crate::support::Pair;

#[tokio::test]
async fn text_search_configurations_that_tables_need_are_created_with_their_dictionaries() {
    let db = Pair::fresh().await;
    db.source(
        "create schema search; create text search dictionary search.\"Own\" (template = snowball, language = 'english', stopwords = 'english');
         create text search dictionary plain (template = pg_catalog.simple); comment on text search dictionary plain is 'it''s plain';
         create text search configuration search.own (copy = pg_catalog.english);
         alter text search configuration search.own alter mapping for asciiword, word with search.\"Own\", plain; alter text search configuration search.own drop mapping for email;
         create text search configuration unused (copy = pg_catalog.simple);
         create table page (id int primary key, body text); create index on page using gin (to_tsvector('search.own', body)); insert into page values (1, 'the cats')",
    )
    .await;
    db.settle().await;
    let maps = "select string_agg(concat(mapcfg::regconfig, maptokentype, mapseqno, mapdict::regdictionary), ' ' order by maptokentype, mapseqno) from pg_ts_config_map where mapcfg > 16383";
    let there = db.target_value(maps).await;
    assert!(there.contains("search.\"Own\"") && there.contains("plain"), "{there}");
    assert!(!there.contains("unused"), "{there}");
    assert_eq!(
        db.target_value("select to_tsvector('search.own', 'the cats')::text").await,
        "'cat':2"
    );
    assert_eq!(
        db.target_value(
            "select obj_description(oid, 'pg_ts_dict') from pg_ts_dict where dictname = 'plain'"
        )
        .await,
        "it's plain"
    );
}

const FRENCH: &str = "create text search dictionary words (template = pg_catalog.simple);
    create text search configuration own (copy = pg_catalog.simple);
    alter text search configuration own alter mapping for asciiword with words";

const PAGE: &str = "create table page (id int primary key, body text);
    create index on page using gin (to_tsvector('own', body)); insert into page values (1, 'the cats')";

#[tokio::test]
async fn a_configuration_that_the_target_has_is_used() {
    let db = Pair::fresh().await;
    db.both(FRENCH).await;
    db.source(PAGE).await;
    let run = db.settle().await;
    run.expect_unsaid("text search");
    assert_eq!(db.target_value("select count(*) from pg_ts_config where oid > 16383").await, "1");
}

#[tokio::test]
async fn a_configuration_that_is_another_one_on_the_target_is_used_and_named() {
    let db = Pair::fresh().await;
    db.source(FRENCH).await;
    db.source(PAGE).await;
    db.target(
        "create text search dictionary words (template = pg_catalog.simple, stopwords = english);
         create text search configuration own (copy = pg_catalog.english)",
    )
    .await;
    let run = db.sync().await.expect_ok().expect_note(
        "text search configuration public.own is defined differently on the source; the one of the target is used",
    );
    run.expect_note("text search dictionary public.words is defined differently");
    db.assert_same("page").await;
    assert_eq!(db.target_value("select to_tsvector('own', 'cats')::text").await, "'cat':1");
}

#[tokio::test]
async fn what_only_the_body_of_a_function_names_is_created_with_it() {
    let db = Pair::fresh().await;
    db.source(FRENCH).await;
    db.source(
        "create text search configuration \"My own\" (copy = own); create text search dictionary lone (template = pg_catalog.simple);
         create text search configuration at_home (copy = own); create text search configuration unused (copy = own);
         create function vector(v text) returns tsvector language sql immutable
            as $$ select to_tsvector('public.\"My own\"', v) || array_to_tsvector(ts_lexize('public.lone', 'x')) $$;
         create function words(v text) returns tsvector language plpgsql immutable set default_text_search_config = 'public.at_home'
            as $$ begin return to_tsvector(v) || public.vector(v); end $$;
         create table page (id int primary key, body text, found tsvector default words('a b'));
         create index on page using gin (words(body)); insert into page values (1, 'the cats')",
    )
    .await;
    db.settle().await;
    let made =
        "select string_agg(cfgname, ' ' order by cfgname) from pg_ts_config where oid > 16383";
    assert_eq!(db.target_value(made).await, "My own at_home");
    let made =
        "select string_agg(dictname, ' ' order by dictname) from pg_ts_dict where oid > 16383";
    assert_eq!(db.target_value(made).await, "lone words");
}

const VECTOR: &str = "create function vector(v text) returns tsvector language plpgsql immutable
    as $$ begin return to_tsvector('public.own', v); end $$";

const VECTORS: &str = "create table page (id int primary key, body text); create index on page using gin (vector(body));
    insert into page values (1, 'the cats')";

/// As a run left it that did not look into bodies.
#[tokio::test]
async fn what_the_body_of_a_function_names_is_created_though_the_function_is_there() {
    let db = Pair::fresh().await;
    db.source(FRENCH).await;
    db.both(VECTOR).await;
    db.source(VECTORS).await;
    db.settle().await;
    assert_eq!(db.target_value("select vector('the')::text").await, "'the':1");
}

/// Another function is of the target's own making: nothing is created for it.
#[tokio::test]
async fn a_configuration_that_is_missing_is_named_with_what_to_do() {
    let db = Pair::fresh().await;
    db.source(FRENCH).await;
    db.source(VECTOR).await;
    db.target(&VECTOR.replace("public.own", "public.mine")).await;
    db.source(VECTORS).await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "page",
        &[
            "text search configuration \"public.mine\" does not exist",
            "create it on the target first (\\dF+",
        ],
    );
}
