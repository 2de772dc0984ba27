//! The groups of this process: who is a member, who holds which partition, who waits for whom. Decides only; waiting
//! and timers are with the member. Cooperative: only what moves is taken away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::assignment::{MemberId, Owners, assign};
use crate::bus::{Epoch, Topic, TopicPartition};

/// What changes for a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These are its own now.
    Assigned(Vec<(TopicPartition, Epoch)>),
    /// These are asked back.
    Asked(Vec<(TopicPartition, Epoch)>),
    /// These were taken because they were not let go in time.
    Lost(Vec<TopicPartition>),
}

struct Member {
    topics: BTreeSet<Topic>,
    wake: Arc<Notify>,
    lost: Vec<TopicPartition>,
}

/// A partition's stay with a member.
struct Stay {
    member: MemberId,
    epoch: Epoch,
    asked: bool,
    let_go_by: Option<Instant>,
}

#[derive(Default)]
struct Group {
    members: BTreeMap<MemberId, Member>,
    wanted: Owners,
    stays: BTreeMap<TopicPartition, Stay>,
}

#[derive(Default)]
struct State {
    groups: HashMap<String, Group>,
    counted: u64,
}

/// All groups of a log.
#[derive(Default)]
pub(super) struct Groups(Mutex<State>);

impl Groups {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a member in. `partitions` are those of its topics; a partition that moves is to be let go by `let_go_by`.
    pub(super) fn join(
        &self,
        group: &str,
        topics: BTreeSet<Topic>,
        partitions: BTreeSet<TopicPartition>,
        wake: &Arc<Notify>,
        let_go_by: Instant,
    ) -> MemberId {
        let mut state = self.state();
        state.counted += 1;
        let id = MemberId(state.counted);
        let group = state.groups.entry(group.to_owned()).or_default();
        let _new = group.members.insert(id, Member { topics, wake: Arc::clone(wake), lost: Vec::new() });
        group.share_out(partitions, let_go_by);
        id
    }

    /// Lets a member go, whatever it holds is free at once.
    pub(super) fn leave(&self, group: &str, member: MemberId, let_go_by: Instant) {
        let mut state = self.state();
        let Some(found) = state.groups.get_mut(group) else { return };
        if found.members.remove(&member).is_none() {
            return;
        }
        found.stays.retain(|_, stay| stay.member != member);
        found.share_out(BTreeSet::new(), let_go_by);
        if found.members.is_empty() {
            let _empty = state.groups.remove(group);
        }
    }

    /// The next change for a member, if any. What is asked back comes first, so that others wait less.
    pub(super) fn change(&self, group: &str, member: MemberId) -> Option<Change> {
        let mut state = self.state();
        let State { groups, counted } = &mut *state;
        let group = groups.get_mut(group)?;
        let asked = group.ask_back(member);
        if !asked.is_empty() {
            return Some(Change::Asked(asked));
        }
        let lost = std::mem::take(&mut group.members.get_mut(&member)?.lost);
        if !lost.is_empty() {
            return Some(Change::Lost(lost));
        }
        let assigned = group.hand_out(member, counted);
        (!assigned.is_empty()).then_some(Change::Assigned(assigned))
    }

    /// These stays are over, because their member let go.
    pub(super) fn release(&self, group: &str, member: MemberId, places: &[(TopicPartition, Epoch)]) {
        if let Some(group) = self.state().groups.get_mut(group) {
            group.stays.retain(|place, stay| {
                stay.member != member || !places.iter().any(|(p, e)| p == place && *e == stay.epoch)
            });
            group.wake_all();
        }
    }

    /// Takes away what was not let go in time.
    pub(super) fn expire(&self, group: &str, now: Instant) {
        let mut state = self.state();
        let Some(group) = state.groups.get_mut(group) else { return };
        let late: Vec<TopicPartition> = group
            .stays
            .iter()
            .filter(|(_, stay)| stay.let_go_by.is_some_and(|by| by <= now))
            .map(|(place, _)| place.clone())
            .collect();
        for place in late {
            if let Some(stay) = group.stays.remove(&place)
                && let Some(member) = group.members.get_mut(&stay.member)
            {
                member.lost.push(place);
            }
        }
        group.wake_all();
    }

    /// Runs `act` when the member holds the partition in this epoch; nobody can take it away meanwhile.
    pub(super) fn while_held(
        &self,
        group: &str,
        member: MemberId,
        place: &TopicPartition,
        epoch: Epoch,
        act: impl FnOnce(),
    ) {
        let state = self.state();
        let stay = state.groups.get(group).and_then(|group| group.stays.get(place));
        if stay.is_some_and(|stay| stay.member == member && stay.epoch == epoch) {
            act();
        }
    }

    /// Runs `act` when the group has no member; nobody can join meanwhile. Gives whether it ran.
    pub(super) fn while_empty(&self, group: &str, act: impl FnOnce()) -> bool {
        let state = self.state();
        let empty = !state.groups.contains_key(group);
        if empty {
            act();
        }
        empty
    }
}

impl Group {
    fn share_out(&mut self, mut partitions: BTreeSet<TopicPartition>, let_go_by: Instant) {
        partitions.extend(self.wanted.keys().cloned());
        let wants = self.members.iter().map(|(id, member)| (*id, member.topics.clone())).collect();
        self.wanted = assign(&wants, &partitions, &self.wanted);
        for (place, stay) in &mut self.stays {
            if self.wanted.get(place) != Some(&stay.member) {
                stay.let_go_by.get_or_insert(let_go_by);
            } else if !stay.asked {
                stay.let_go_by = None;
            }
        }
        self.wake_all();
    }

    fn ask_back(&mut self, member: MemberId) -> Vec<(TopicPartition, Epoch)> {
        let moving = self.stays.iter_mut().filter(|(place, stay)| {
            stay.member == member && !stay.asked && self.wanted.get(*place) != Some(&member)
        });
        moving
            .map(|(place, stay)| {
                stay.asked = true;
                (place.clone(), stay.epoch)
            })
            .collect()
    }

    fn hand_out(&mut self, member: MemberId, counted: &mut u64) -> Vec<(TopicPartition, Epoch)> {
        let mut assigned = Vec::new();
        for place in self.wanted.iter().filter(|(_, wanted)| **wanted == member).map(|(place, _)| place) {
            if !self.stays.contains_key(place) {
                *counted += 1;
                let epoch = Epoch(*counted);
                let stay = Stay { member, epoch, asked: false, let_go_by: None };
                let _free = self.stays.insert(place.clone(), stay);
                assigned.push((place.clone(), epoch));
            }
        }
        assigned
    }

    fn wake_all(&self) {
        for member in self.members.values() {
            member.wake.notify_one();
        }
    }
}

/// How long a member may keep what is asked back; not below the least that every log gives.
pub(super) const LET_GO_WITHIN: Duration = Duration::from_secs(30);
