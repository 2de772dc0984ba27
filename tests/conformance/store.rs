//! The database: one step of a conversation, all or nothing. The same cases for each backing; what only a server can
//! do wrong is in `store/server.rs`.

mod cases;
mod crowd;
mod model;
#[cfg(feature = "stack-tests")]
mod server;
mod stage;

macro_rules! suite {
    ($($case:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let stage = super::stage::Stage::sqlite();
                super::cases::$case(&stage).await;
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
                super::cases::$case(&stage).await;
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
    a_step_is_done_with_all_it_brings
    a_step_that_loses_leaves_nothing
    a_repeated_event_is_seen_with_what_it_left_unpublished
    the_same_event_with_other_bytes_is_a_conflict
    a_conversation_that_moved_is_not_overwritten
    steps_of_one_conversation_at_the_same_moment_have_one_winner
    a_late_zombie_changes_nothing
    a_crowd_in_several_processes_does_every_step_once
    what_is_done_survives_a_restart
    replies_have_cursors_in_order_and_come_in_pages
    several_replies_of_one_step_keep_their_order
    hostile_text_and_bytes_come_back_as_they_were
    groups_do_not_see_each_other
    old_inbox_rows_are_dropped_in_batches
    a_closed_store_says_so
}
