//! The database: one step of a conversation, all or nothing. The same cases for each backing; what only a server can
//! do wrong is in `store/server.rs`, `read_only.rs` and `clock.rs`.

mod cases;
#[cfg(feature = "stack-tests")]
mod clock;
mod crowd;
#[cfg(feature = "stack-tests")]
mod database;
mod model;
#[cfg(feature = "stack-tests")]
mod nightly;
mod operator;
mod outbox;
mod parking;
#[cfg(feature = "stack-tests")]
mod plans;
mod publishing;
#[cfg(feature = "stack-tests")]
mod read_only;
mod runs;
#[cfg(feature = "stack-tests")]
mod schema;
#[cfg(feature = "stack-tests")]
mod server;
mod stage;

macro_rules! suite {
    ($($room:ident::$case:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let stage = super::stage::Stage::sqlite();
                super::$room::$case(&stage).await;
                stage.end().await;
            })*

            #[test]
            fn any_order_of_calls_ends_as_the_model_says() {
                super::model::any_order_of_calls_ends_as_the_model_says(async || super::stage::Stage::sqlite());
            }
        }

        #[cfg(feature = "stack-tests")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let stage = super::stage::Stage::postgres().await;
                super::$room::$case(&stage).await;
                stage.end().await;
            })*

            #[test]
            fn any_order_of_calls_ends_as_the_model_says() {
                super::model::any_order_of_calls_ends_as_the_model_says(super::stage::Stage::postgres);
            }
        }
    };
}

suite! {
    cases::a_step_is_done_with_all_it_brings
    cases::a_step_that_loses_leaves_nothing
    cases::a_repeated_event_is_seen_with_what_it_left_unpublished
    cases::the_same_event_with_other_bytes_is_a_conflict
    cases::a_conversation_that_moved_is_not_overwritten
    cases::steps_of_one_conversation_at_the_same_moment_have_one_winner
    cases::a_late_zombie_changes_nothing
    cases::a_crowd_in_several_processes_does_every_step_once
    cases::what_is_done_survives_a_restart
    cases::replies_have_cursors_in_order_and_come_in_pages
    cases::several_replies_of_one_step_keep_their_order
    cases::hostile_text_and_bytes_come_back_as_they_were
    cases::groups_do_not_see_each_other
    cases::old_inbox_rows_are_dropped_in_batches
    cases::a_closed_store_says_so
    outbox::an_entry_commits_with_its_step_and_with_no_other
    outbox::an_entry_is_marked_in_doubt_before_anybody_may_send_it
    outbox::entries_of_one_conversation_are_sent_in_the_order_of_their_commits
    outbox::what_is_told_waits_behind_what_the_conversation_was_told_before
    outbox::what_another_process_left_is_published_with_what_follows
    outbox::whoever_lost_the_lease_changes_nothing
    outbox::a_lease_that_ran_out_goes_to_another_and_the_entry_is_in_doubt
    outbox::a_pause_is_kept_and_costs_an_attempt_only_when_it_counts
    outbox::absence_is_remembered_from_the_first_time_it_was_said
    operator::a_parked_conversation_stands_still_and_the_others_go_on
    operator::a_person_decides_what_becomes_of_a_parked_entry
    operator::what_was_never_sent_is_parked_as_unsent
    operator::a_decision_about_what_does_not_wait_changes_nothing
    operator::a_decision_about_a_write_that_came_in_doubt_since_it_was_looked_at_changes_nothing
    outbox::the_same_intention_twice_is_one_entry
    outbox::several_relays_share_the_entries_and_send_each_once
    outbox::what_nobody_published_is_found_after_a_while
    outbox::a_page_of_what_nobody_published_is_bounded_in_bytes
    outbox::what_nobody_published_is_read_page_by_page
    outbox::finished_entries_are_dropped_in_batches
    parking::what_waits_comes_back_as_it_was_and_in_order
    parking::whoever_looked_before_a_conversation_was_parked_decides_anew
    parking::a_turn_that_was_not_begun_with_does_not_count_and_one_in_vain_says_why
    parking::a_round_in_vain_waits_and_an_older_lease_changes_nothing
    parking::a_held_conversation_waits_for_a_person_and_is_noted
    parking::groups_park_for_themselves
    parking::whoever_is_at_a_record_when_a_person_decides_finds_its_lease_gone
    parking::what_is_done_already_is_not_parked_and_other_bytes_are_a_conflict
    parking::a_round_that_was_begun_and_never_ended_is_known_to_the_next
    parking::a_conversation_and_a_group_have_room_for_so_many_records_and_bytes
    parking::a_person_who_lets_one_record_go_makes_room_for_one
    publishing::what_another_process_is_about_to_publish_is_left_to_it
    publishing::a_long_run_of_events_that_are_still_noted_is_published_once
    publishing::what_a_dead_process_was_about_to_publish_is_published_by_another
    runs::a_process_without_farewell_is_known_by_its_name_at_its_next_start
    runs::a_record_is_at_work_until_it_is_done_whoever_does_it
    runs::an_end_in_order_acquits_what_its_process_was_at_and_nothing_else
    runs::what_a_dead_process_may_have_read_is_known_until_somebody_is_past_it
    runs::only_who_has_a_partition_notes_its_records
}
