//! A record that ends the whole process (an abort, a full stack, no memory left) may not do so for ever. Every process says
//! in the database up to where it may read, a good many records ahead. After an end without farewell each record before that
//! place is noted before it is looked at, few at a time, whatever stands between; one that was at work at such an end is worked
//! on alone among the noted ones, so that the next end convicts no other of them. While every process ends in order no record
//! is noted. It may not look into a record.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Fate, patiently};
use crate::{
    bus::{Offset, Record, TopicPartition},
    store::{RecordAt, Store},
};

/// Ends of processes in a row that a record is allowed to be at work at.
pub(super) const CRASHES_MAX: u32 = 3;
/// How far ahead a process says that it may read: as many records as come in this time, within these bounds. After an end
/// without farewell everything from the committed place to the reach is noted, and while all is well something is said only
/// when the reach is used up.
const AHEAD: Duration = Duration::from_secs(2);
const AHEAD_MIN: i64 = 16;
const AHEAD_MAX: i64 = 256;
/// How far behind the first record of a stay it is careful at most: a topic that was made anew begins its offsets anew, and what
/// was reached before says nothing of it.
const CAREFUL_MAX: i64 = 10_000;
/// Noted records at work at a time: so many at most come under suspicion by one end.
const FEW: usize = 16;
/// How long a noted record is suspected of ending the process: what has not done so by then waits for something.
pub(super) const SUSPECTED_FOR: Duration = Duration::from_secs(5);
/// How often a process shows life, and after what silence it has ended without farewell. Shorter than Kafka waits for a
/// silent member, so that whoever gets its partitions knows.
const SHOW_LIFE_EACH: Duration = Duration::from_secs(2);
const SILENT: Duration = Duration::from_secs(6);
/// How long the farewell may take; the database may be away.
const FAREWELL: Duration = Duration::from_secs(2);

/// A suspect runs alone among the noted ones of all workers of the process: which of them ended it cannot be told afterwards.
/// Records that nobody has reason to note run beside it.
static ALONE: RwLock<()> = RwLock::const_new(());

/// The guard of one worker.
pub(super) struct CrashGuard {
    group: &'static str,
    run: String,
    store: Store,
    stays: Mutex<HashMap<TopicPartition, Stay>>,
    few: Semaphore,
}

type Stay = Arc<OnceCell<Watched>>;

/// What is watched in one stay of a partition.
struct Watched {
    /// Records before this one may have been at work at an end without farewell.
    careful_below: Offset,
    suspects: HashMap<RecordAt, u32>,
    /// Records before this one may be read: it is in the database.
    reach: AtomicI64,
    ahead: tokio::sync::Mutex<Option<Ahead>>,
}

/// How far ahead of a record the reach was moved, and when.
struct Ahead {
    by: i64,
    at: Instant,
}

/// How a record may be worked on.
pub(super) enum Begun<'a> {
    /// As usual.
    Unwatched,
    /// It is noted; this is kept until it is done.
    Noted(Noted<'a>),
    /// Not at all: it ended too many processes.
    CrashLoop,
    /// Not here: it is a suspect, and another member's, or of a later stay, by now.
    Gone,
}

/// A noted record's right to run.
pub(super) struct Noted<'a> {
    _few: SemaphorePermit<'a>,
    _among: Among,
}

/// The right of a noted record to run beside other noted ones, or of a suspect to be the only one of them.
pub(super) enum Among {
    Others(#[allow(dead_code, reason = "it is held")] RwLockReadGuard<'static, ()>),
    Nobody(#[allow(dead_code, reason = "it is held")] RwLockWriteGuard<'static, ()>),
}

impl Among {
    /// Waits for the right of a record at which so many processes ended.
    pub(super) async fn wait(crashes: u32) -> Self {
        match crashes {
            0 => Self::Others(ALONE.read().await),
            _ => Self::Nobody(ALONE.write().await),
        }
    }
}

impl CrashGuard {
    pub(super) fn new(group: &'static str, store: Store, instance: Option<String>) -> Self {
        Self {
            group,
            run: instance.unwrap_or_else(|| Uuid::new_v4().to_string()),
            store,
            stays: Mutex::default(),
            few: Semaphore::new(FEW),
        }
    }

    /// Notes that this process works; what a forerunner of its name that said no farewell may have read is known from then on.
    pub(super) async fn open(&self) {
        if patiently(|| self.store.run_begun(self.group, &self.run)).await {
            tracing::warn!(
                group = self.group,
                "the process of this name before this one ended without farewell"
            );
        }
    }

    /// Shows life until this is over, which has to be after the worker's last record: one that is silent counts as dead.
    pub(super) async fn show_life(&self, over: CancellationToken) {
        while over.run_until_cancelled(tokio::time::sleep(SHOW_LIFE_EACH)).await.is_some() {
            // A database that fell silent does not hold up the stop.
            let noted = over.run_until_cancelled(self.store.run_lives(self.group, &self.run)).await;
            if let Some(Err(error)) = noted {
                tracing::debug!(kind = error.kind(), "no sign of life was noted: {error}");
            }
        }
    }

    /// Says farewell. Without it the next start is careful for nothing.
    pub(super) async fn close(&self) {
        let farewell = self.store.run_ended(self.group, &self.run);
        match tokio::time::timeout(FAREWELL, farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => tracing::debug!("the end of this process could not be noted"),
        }
    }

    /// A new stay of these partitions: whoever had them may have ended without farewell.
    pub(super) fn assigned(&self, places: &[TopicPartition]) {
        let mut stays = self.stays.lock().unwrap_or_else(PoisonError::into_inner);
        for place in places {
            stays.insert(place.clone(), Arc::default());
        }
    }

    /// How a record may be worked on.
    pub(super) async fn begin(&self, record: &Record) -> Begun<'_> {
        let Some(stay) = self.stay_of(&record.place) else { return Begun::Unwatched };
        let watched = stay.get_or_init(|| self.look(record)).await;
        let crashes = watched.crashes_at(record);
        if crashes >= CRASHES_MAX {
            return Begun::CrashLoop;
        }
        if crashes == 0 && record.offset >= watched.careful_below {
            self.reach(watched, record).await;
            return Begun::Unwatched;
        }
        // Nobody closes it.
        let Ok(few) = self.few.acquire().await else { return Begun::Unwatched };
        let among = Among::wait(crashes).await;
        // What has gone to another member while it waited here is that one's to note; a suspect is that one's to work on too, or
        // its next end would be here, where nobody has noted it.
        let moved = if crashes == 0 { Begun::Unwatched } else { Begun::Gone };
        if !self.stay_of(&record.place).is_some_and(|now| Arc::ptr_eq(&now, &stay)) {
            return moved;
        }
        let (place, at) = (&record.place, RecordAt::from(record));
        if patiently(|| self.store.record_begun(self.group, &self.run, place, at, crashes + 1)).await {
            Begun::Noted(Noted { _few: few, _among: among })
        } else {
            moved
        }
    }

    fn stay_of(&self, place: &TopicPartition) -> Option<Stay> {
        self.stays.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    /// Says that this record, and some that follow it, may be read. Whoever comes after an end looks there.
    async fn reach(&self, watched: &Watched, record: &Record) {
        let is_said = || record.offset.0 < watched.reach.load(Ordering::Acquire);
        if is_said() {
            return;
        }
        let mut ahead = watched.ahead.lock().await;
        if is_said() {
            return;
        }
        let by = ahead.as_ref().map_or(AHEAD_MIN, |last| further(last.by, last.at.elapsed()));
        *ahead = Some(Ahead { by, at: Instant::now() });
        let reach = Offset(record.offset.0.saturating_add(by));
        patiently(|| self.store.reach_moved(self.group, &self.run, &record.place, reach)).await;
        watched.reach.store(reach.0, Ordering::Release);
    }

    /// A record that was noted or convicted has its fate.
    pub(super) async fn done(&self, record: &Record, fate: Fate) {
        match fate {
            Fate::Settled => {
                let (place, offset) = (&record.place, record.offset);
                patiently(|| self.store.record_done(self.group, &self.run, place, offset)).await;
            }
            // The process ends in order now, and what it noted goes with its farewell.
            Fate::Held => {}
            // Nothing of it was noted here.
            Fate::Gone => {}
        }
    }

    /// What is known of a partition, when its first record of this stay is to be worked on.
    async fn look(&self, first: &Record) -> Watched {
        let place = &first.place;
        let taken = || self.store.partition_taken(self.group, &self.run, place, SILENT);
        let Some(careful_below) = patiently(taken).await else {
            return Watched::new(Offset(0), HashMap::new());
        };
        let careful_below = careful_below.min(Offset(first.offset.0.saturating_add(CAREFUL_MAX)));
        let suspects = patiently(|| self.store.records_at_work(self.group, &self.run, place, SILENT)).await;
        tracing::warn!(
            group = self.group, %place, below = careful_below.0, suspects = suspects.len(),
            "a process that read this partition ended without farewell; what it may have been at is noted before it is \
             worked on"
        );
        Watched::new(careful_below, suspects.into_iter().collect())
    }
}

impl Watched {
    fn new(careful_below: Offset, suspects: HashMap<RecordAt, u32>) -> Self {
        Self {
            careful_below,
            suspects,
            reach: AtomicI64::new(careful_below.0),
            ahead: tokio::sync::Mutex::default(),
        }
    }

    /// At how many ends a record was at work. Versions before this one noted no time.
    fn crashes_at(&self, record: &Record) -> u32 {
        let (at, written_ms) = (RecordAt::from(record), RecordAt::NO_TIME);
        let known =
            [at, RecordAt { written_ms, ..at }].map(|at| self.suspects.get(&at).copied().unwrap_or_default());
        known.into_iter().max().unwrap_or_default()
    }
}

/// How far ahead next, when the last reach of so many records was used up after this time.
fn further(last: i64, after: Duration) -> i64 {
    let in_time = last as f64 * AHEAD.as_secs_f64() / after.as_secs_f64().max(0.001);
    (in_time as i64).clamp(AHEAD_MIN, AHEAD_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_is_as_far_ahead_as_records_come_in_two_seconds_within_its_bounds() {
        let seconds = Duration::from_secs;
        assert_eq!(further(16, Duration::ZERO), AHEAD_MAX);
        assert_eq!(further(100, seconds(1)), 200);
        assert_eq!(further(100, seconds(4)), 50);
        assert_eq!(further(256, seconds(3600)), AHEAD_MIN, "a quiet hour is not paid for after a crash");
    }
}
