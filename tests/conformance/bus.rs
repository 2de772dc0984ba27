//! The log: records, order, groups, offsets. Every case runs on every backing; what only one can show stands in
//! `bus/kafka_only.rs` and in the backing's own tests.

#[cfg(feature = "stack-tests")]
mod anew;
mod backing;
mod groups;
#[cfg(feature = "stack-tests")]
mod kafka_only;
mod reader;
mod records;

use backing::Backing;

/// Makes a test of each case on each backing.
macro_rules! on_every_backing {
    ($($room:ident::$case:ident,)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $case() {
                super::$room::$case(<super::backing::Embedded as super::Backing>::open().await).await;
            })*
        }

        #[cfg(feature = "stack-tests")]
        mod kafka {
            $(#[tokio::test]
            async fn $case() {
                super::$room::$case(<super::backing::Kafka as super::Backing>::open().await).await;
            })*
        }
    };
}

on_every_backing! {
    records::records_of_one_key_stay_in_order,
    records::a_record_arrives_as_it_was_sent,
    records::a_key_is_on_the_partition_where_the_java_client_puts_it,
    records::a_record_at_the_limit_is_taken_and_one_over_it_refused,
    records::a_record_for_an_unknown_topic_is_refused_and_the_next_is_taken,
    records::keys_that_are_sent_side_by_side_keep_their_order,
    records::topics_are_made_once_and_never_with_other_partitions,
    records::a_waiting_member_is_woken_by_a_record,
    records::no_more_records_come_than_there_is_room_for,
    records::a_next_that_is_given_up_loses_nothing,
    records::a_member_that_was_saturated_reads_everything_afterwards,
    groups::a_group_goes_on_at_its_stored_offset_after_everything_was_closed,
    groups::records_that_were_not_settled_come_again,
    groups::a_store_of_an_earlier_stay_or_an_earlier_offset_changes_nothing,
    groups::two_groups_read_the_same_records_independently,
    groups::two_members_share_the_partitions_and_each_record_is_read_once,
    groups::a_joining_member_starts_where_the_first_has_stored_last,
    groups::the_partitions_of_a_member_that_leaves_go_on_with_the_other,
    groups::a_member_without_room_is_still_asked_to_let_go,
    groups::a_member_that_was_dropped_leaves_its_partitions_to_the_other,
}
