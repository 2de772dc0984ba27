//! Who reads which partition: balanced, and with as few moves as possible. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::bus::{Topic, TopicPartition};

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct MemberId(pub(super) u64);

/// Who reads each partition.
pub(super) type Owners = BTreeMap<TopicPartition, MemberId>;

/// Shares the partitions out among the members that want their topic. Owners stay owners unless another member that
/// wants the topic has at least two partitions less.
pub(super) fn assign(
    members: &BTreeMap<MemberId, BTreeSet<Topic>>,
    partitions: &BTreeSet<TopicPartition>,
    before: &Owners,
) -> Owners {
    let mut load: BTreeMap<MemberId, usize> = members.keys().map(|member| (*member, 0)).collect();
    let mut owners = Owners::new();
    for place in partitions {
        let kept =
            before.get(place).filter(|m| members.get(m).is_some_and(|topics| topics.contains(&place.topic)));
        if let Some(member) = kept {
            give(&mut owners, &mut load, place, *member);
        }
    }
    for place in partitions {
        if let (false, Some(member)) = (owners.contains_key(place), idlest(members, &load, &place.topic)) {
            give(&mut owners, &mut load, place, member);
        }
    }
    while let Some((place, member)) = better(members, &owners, &load) {
        give(&mut owners, &mut load, &place, member);
    }
    owners
}

fn give(owners: &mut Owners, load: &mut BTreeMap<MemberId, usize>, place: &TopicPartition, member: MemberId) {
    if let Some(before) = owners.insert(place.clone(), member) {
        load.entry(before).and_modify(|n| *n = n.saturating_sub(1));
    }
    *load.entry(member).or_default() += 1;
}

fn idlest(
    members: &BTreeMap<MemberId, BTreeSet<Topic>>,
    load: &BTreeMap<MemberId, usize>,
    topic: &Topic,
) -> Option<MemberId> {
    let wanting = members.iter().filter(|(_, topics)| topics.contains(topic)).map(|(member, _)| *member);
    wanting.min_by_key(|member| load.get(member).copied().unwrap_or(0))
}

/// A move that makes the shares more even. Each one makes the sum of the squared loads smaller, so they end.
fn better(
    members: &BTreeMap<MemberId, BTreeSet<Topic>>,
    owners: &Owners,
    load: &BTreeMap<MemberId, usize>,
) -> Option<(TopicPartition, MemberId)> {
    let of = |member: &MemberId| load.get(member).copied().unwrap_or(0);
    owners.iter().find_map(|(place, owner)| {
        let to = idlest(members, load, &place.topic)?;
        (of(owner) > of(&to) + 1).then(|| (place.clone(), to))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(count: i32) -> BTreeSet<TopicPartition> {
        (0..count).map(|partition| TopicPartition { topic: Topic::new("t"), partition }).collect()
    }

    fn members(ids: &[u64]) -> BTreeMap<MemberId, BTreeSet<Topic>> {
        ids.iter().map(|id| (MemberId(*id), BTreeSet::from([Topic::new("t")]))).collect()
    }

    fn moved(before: &Owners, after: &Owners) -> Vec<MemberId> {
        after.iter().filter(|(place, m)| before.get(place) != Some(m)).map(|(_, m)| *m).collect()
    }

    #[test]
    fn without_members_nobody_reads() {
        assert!(assign(&members(&[]), &places(3), &Owners::new()).is_empty());
    }

    #[test]
    fn a_member_gets_no_partition_of_a_topic_it_does_not_want() {
        let mut all = members(&[1]);
        let _none = all.insert(MemberId(2), BTreeSet::from([Topic::new("other")]));
        let owners = assign(&all, &places(4), &Owners::new());
        assert!(owners.values().all(|member| *member == MemberId(1)) && owners.len() == 4);
    }

    proptest! {
        #[test]
        fn shares_differ_by_one_at_most(count in 0..40_i32, crowd in 1..9_u64, before in proptest::collection::vec(0..12_u64, 40)) {
            let ids: Vec<u64> = (0..crowd).collect();
            let before: Owners = places(count).into_iter().zip(before.into_iter().map(MemberId)).collect();
            let owners = assign(&members(&ids), &places(count), &before);
            prop_assert_eq!(owners.len(), places(count).len());
            let shares: Vec<usize> =
                ids.iter().map(|id| owners.values().filter(|m| m.0 == *id).count()).collect();
            prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }

        #[test]
        fn a_new_member_takes_and_nobody_else_moves(count in 0..40_i32, crowd in 1..8_u64) {
            let ids: Vec<u64> = (0..crowd).collect();
            let before = assign(&members(&ids), &places(count), &Owners::new());
            let with: Vec<u64> = (0..=crowd).collect();
            let after = assign(&members(&with), &places(count), &before);
            prop_assert!(moved(&before, &after).iter().all(|m| m.0 == crowd));
        }

        #[test]
        fn what_a_leaving_member_read_is_all_that_moves(count in 0..40_i32, crowd in 2..9_u64) {
            let ids: Vec<u64> = (0..crowd).collect();
            let before = assign(&members(&ids), &places(count), &Owners::new());
            let after = assign(&members(&ids[1..]), &places(count), &before);
            let of_the_gone = before.values().filter(|m| m.0 == 0).count();
            prop_assert_eq!(moved(&before, &after).len(), of_the_gone);
        }
    }
}
