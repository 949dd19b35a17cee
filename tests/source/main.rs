//! What every kind of source has to answer, whatever it keeps its rows in: the contract that the engine
//! relies on. The questions know nothing of the kind; `kind` says what they need of one.
//!
//! A new kind implements [`kind::Kind`] and is listed at the end of this file.

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod kind;
mod postgres;
mod sqlite;

/// Puts every question to a kind of source, each as a test.
macro_rules! answers {
    ($kind:ty: $($subject:ident { $($question:ident)* })*) => {
        $(mod $subject {
            $(#[tokio::test]
            async fn $question() {
                crate::contract::$subject::$question::<$kind>().await;
            })*
        })*
    };
}

mod a_postgres_source {
    answers! { crate::postgres::Postgres:
        snapshot {
            rows_are_those_of_the_moment_at_which_the_source_was_opened
            readers_share_that_moment
            a_source_that_is_opened_again_is_of_another_moment
            a_table_that_was_emptied_since_is_not_taken_for_an_empty_one
            a_table_that_is_the_same_may_be_read_on
        }
        rows {
            rows_travel_as_copy_text
            changed_rows_come_in_the_order_of_their_timestamp
            rows_and_their_hashes_make_the_digest
            rows_are_found_by_their_keys
            rows_are_found_by_their_buckets
            conditions_on_the_timestamp_take_each_row_apart
            a_source_says_whether_there_is_any_row
        }
        digests {
            equal_rows_have_equal_digests_on_both_sides
            a_change_of_any_column_changes_the_digest
            keys_have_digests_of_their_own
            the_first_rows_of_a_window_come_with_their_greatest_timestamp
            buckets_have_equal_digests_on_both_sides
            hashes_of_keys_add_up_to_the_digest_of_their_bucket
            questions_are_answered_in_their_order
            hashes_of_columns_tell_which_one_differs
        }
        keys {
            the_source_knows_its_keys_and_no_others
            a_text_that_is_no_key_is_found_nowhere
            bounds_are_the_least_and_the_greatest_key
            the_greatest_timestamp_is_a_finite_one
        }
    }
}

mod a_sqlite_source {
    answers! { crate::sqlite::Sqlite:
        snapshot {
            rows_are_those_of_the_moment_at_which_the_source_was_opened
            readers_share_that_moment
            a_source_that_is_opened_again_is_of_another_moment
            a_table_that_was_emptied_since_is_not_taken_for_an_empty_one
            a_table_that_is_the_same_may_be_read_on
        }
        rows {
            rows_travel_as_copy_text
            changed_rows_come_in_the_order_of_their_timestamp
            rows_and_their_hashes_make_the_digest
            rows_are_found_by_their_keys
            rows_are_found_by_their_buckets
            conditions_on_the_timestamp_take_each_row_apart
            a_source_says_whether_there_is_any_row
        }
        digests {
            equal_rows_have_equal_digests_on_both_sides
            a_change_of_any_column_changes_the_digest
            keys_have_digests_of_their_own
            the_first_rows_of_a_window_come_with_their_greatest_timestamp
            buckets_have_equal_digests_on_both_sides
            hashes_of_keys_add_up_to_the_digest_of_their_bucket
            questions_are_answered_in_their_order
            hashes_of_columns_tell_which_one_differs
        }
        keys {
            the_source_knows_its_keys_and_no_others
            a_text_that_is_no_key_is_found_nowhere
            bounds_are_the_least_and_the_greatest_key
            the_greatest_timestamp_is_a_finite_one
        }
    }
}
