//! What is written into the log, and what else is said to the target about whole tables.

use crate::recall::Kept;
use crate::sql::horizon::Watermark;
use crate::sql::mapping::OwnedSequence;
use crate::sql::tests::*;
use crate::table::Sequence;

fn log() -> SyncLog {
    SyncLog { table: TableName::new("public", "sync_log") }
}

fn progress() -> Progress {
    Progress {
        processed: 3,
        bytes: 400,
        batches: 1,
        watermark: Some(Watermark::left("2024-12-13 15:25:30.5")),
    }
}

fn entry(table: &TableName) -> Entry<'_> {
    Entry {
        run_id: "20241213T152530.5-7",
        source: "db:5432/shop",
        table,
        sync_type: Some("incremental"),
        status: "running",
        fingerprint: Some("it's"),
        watermark: Some(Watermark::left("2024-12-13 15:25:30.5")),
        counts: Counts::default(),
        error: None,
        elapsed: None,
        earlier: None,
    }
}

#[test]
fn what_a_transaction_did_is_added_to_its_row_of_the_log() {
    let table = TableName::new("public", "item");
    let read = horizon().watermark(&stamp(TimestampKind::Timestamptz), "2024-12-13 15:25:29+00");
    let ended = Entry { elapsed: Some(Duration::from_millis(5)), watermark: read, ..entry(&table) };
    let nothing = Entry { elapsed: Some(Duration::ZERO), watermark: None, ..entry(&table) };
    let writes = sql!("written as (select 1 as inserted, 2 as updated)");
    let both =
        sql!("removed as (select 3 as deleted), written as (select 1 as inserted, 0 as updated)");
    expect(
        include_str!("log.sql"),
        &[
            ("last rows", log().last_rows([&table].into_iter())),
            ("filled from", log().filled_from([&table].into_iter(), "7/16384/")),
            ("written", log().written()),
            ("insert", log().insert(&[entry(&table), ended, nothing])),
            ("committed", log().committed(7)),
            ("of run", log().of_run("20241213T152530.5-7")),
            ("take up", log().take_up(7, &Entry { earlier: Some(7), ..entry(&table) })),
            ("close stale", log().close_stale("20241213T152530.5-7", [&table].into_iter())),
            ("counted", log().counted(7, &writes, CteSet::Written, &progress())),
            ("counted with deletes", log().counted(7, &both, CteSet::Both, &Progress::default())),
            ("copied", log().copied(7, 1000, &progress())),
            ("finish", log().finish(7, "failed", Some("it's over"), &progress())),
            ("distrust", log().distrust("20241213T152530.5-7", &table)),
            ("retract", log().retract("20241213T152530.5-7", &table, "it's over")),
            ("placed", log().placed("20241213T152530.5-7", &table)),
            ("finish run", log().finish_run("20241213T152530.5-7", "interrupted")),
            ("missing indexes", log().missing_indexes()),
            ("make index", log().make_index(3).expect("there are as many")),
            ("made tables", log().made_tables([&table].into_iter())),
            ("source parts", log().source_parts([&table].into_iter())),
            (
                "write source parts",
                log().write_source_parts(&[Kept { table: table.clone(), text: "00c0ffee".into() }]),
            ),
            (
                "write definitions",
                log().write_definitions([&table].into_iter(), "0123456789abcdef"),
            ),
        ],
    );
}

#[test]
fn sequences_move_forward_in_their_own_series() {
    let sequence = Sequence {
        name: TableName::new("copy", "Item_id_seq"),
        column: Ident::new("id"),
        start: 5,
        increment: 10,
        least: 1,
        greatest: 32767,
        readable: true,
        settable: true,
        last: Some(15),
        plain: true,
        serial: false,
        indexed: true,
    };
    let up = OwnedSequence { sequence, source_last: Some(25), numeric: true, is_new: false };
    let mut down = up.clone();
    down.sequence =
        Sequence { start: -1, increment: -1, least: -1000, greatest: -1, ..down.sequence };
    down.source_last = None;
    expect(
        include_str!("sequence.sql"),
        &[("raise", item().raise(&up, true)), ("raise downwards", item().raise(&down, false))],
    );
}

#[test]
fn rows_that_refer_to_nothing_are_looked_for() {
    let key = ForeignKey {
        name: Ident::new("line_item_fkey"),
        child: TableName::new("copy", "line"),
        child_columns: vec![Ident::new("item_id"), Ident::new("shop")],
        parent: TableName::new("copy", "Item"),
        parent_columns: vec![Ident::new("id"), Ident::new("shop")],
        on_delete: 'c',
        on_update: 'a',
        deferrable: false,
        validated: true,
        equals: vec![operator("="), operator("=")],
    };
    expect(include_str!("displace.sql"), &[("dangling", dangling(&[&key, &key]))]);
}
