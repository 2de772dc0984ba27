//! A record that ends the whole process (an abort, a full stack, no memory left) may not do so for ever. After an end
//! without farewell each record is noted in the database before it is looked at, for a while and few at a time; one that
//! was at work at such an end is worked on alone, so that the next end convicts it and nobody else. While every process
//! ends in order nothing is noted. It may not look into a record.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Fate, patiently};
use crate::{
    bus::{Offset, Record, TopicPartition},
    store::Store,
};

/// Ends of processes in a row that a record is allowed to be at work at.
const CRASHES_MAX: u32 = 3;
/// Records of a partition that are noted after an end without farewell: as many as may have been open.
const NOTED_MAX: u32 = 1000;
/// Noted records at work at a time: so many at most come under suspicion by one end.
const FEW: usize = 16;
/// How often a process shows life, and after what silence it has ended without farewell. Shorter than Kafka waits for a
/// silent member, so that whoever gets its partitions knows.
const SHOW_LIFE_EACH: Duration = Duration::from_secs(2);
const SILENT: Duration = Duration::from_secs(6);
/// How long the farewell may take; the database may be away.
const FAREWELL: Duration = Duration::from_secs(2);

/// Suspects run alone in the whole process: which of its workers ended it cannot be told afterwards.
static ALONE: RwLock<()> = RwLock::const_new(());

/// The guard of one worker.
pub(super) struct CrashGuard {
    group: &'static str,
    run: String,
    store: Store,
    /// This process itself began after an end without farewell.
    unclean: AtomicBool,
    stays: Mutex<HashMap<TopicPartition, Arc<OnceCell<Watched>>>>,
    few: Semaphore,
}

/// What is watched in one stay of a partition.
#[derive(Default)]
struct Watched {
    left: AtomicU32,
    suspects: HashMap<Offset, u32>,
}

/// How a record may be worked on.
pub(super) enum Begun<'a> {
    /// As usual.
    Unwatched,
    /// It is noted; this is kept until it is done.
    Noted(Noted<'a>),
    /// Not at all: it ended too many processes.
    CrashLoop,
}

/// A noted record's right to run.
pub(super) struct Noted<'a> {
    _few: SemaphorePermit<'a>,
    _together: Option<RwLockReadGuard<'static, ()>>,
    _alone: Option<RwLockWriteGuard<'static, ()>>,
}

impl CrashGuard {
    pub(super) fn new(group: &'static str, store: Store, instance: Option<String>) -> Self {
        Self {
            group,
            run: instance.unwrap_or_else(|| Uuid::new_v4().to_string()),
            store,
            unclean: AtomicBool::new(false),
            stays: Mutex::default(),
            few: Semaphore::new(FEW),
        }
    }

    /// Notes that this process works, and looks whether its forerunner said farewell.
    pub(super) async fn open(&self) {
        let unclean = patiently(|| self.store.run_begun(self.group, &self.run)).await;
        self.unclean.store(unclean, Ordering::Relaxed);
    }

    /// Shows life until the worker stops.
    pub(super) async fn show_life(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SHOW_LIFE_EACH)).await.is_some() {
            if let Err(error) = self.store.run_lives(self.group, &self.run).await {
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
        let stay = {
            let stays = self.stays.lock().unwrap_or_else(PoisonError::into_inner);
            stays.get(&record.place).cloned()
        };
        let Some(stay) = stay else { return Begun::Unwatched };
        let watched = stay.get_or_init(|| self.look(&record.place)).await;
        let crashes = watched.suspects.get(&record.offset).copied().unwrap_or_default();
        if crashes >= CRASHES_MAX {
            return Begun::CrashLoop;
        }
        if crashes == 0 && !watched.takes_one() {
            return Begun::Unwatched;
        }
        // Nobody closes it.
        let Ok(few) = self.few.acquire().await else { return Begun::Unwatched };
        let (together, alone) = match crashes {
            0 => (Some(ALONE.read().await), None),
            _ => (None, Some(ALONE.write().await)),
        };
        let (place, offset) = (&record.place, record.offset);
        patiently(|| self.store.record_begun(self.group, &self.run, place, offset, crashes + 1)).await;
        Begun::Noted(Noted { _few: few, _together: together, _alone: alone })
    }

    /// A record that was noted or convicted has its fate.
    pub(super) async fn done(&self, record: &Record, fate: Fate) {
        match fate {
            Fate::Settled => {
                patiently(|| self.store.record_done(self.group, &record.place, record.offset)).await;
            }
            // The process ends in order now, and what it noted goes with its farewell.
            Fate::Held => {}
        }
    }

    async fn look(&self, place: &TopicPartition) -> Watched {
        let silent = patiently(|| self.store.run_is_silent(self.group, &self.run, SILENT)).await;
        if !silent && !self.unclean.load(Ordering::Relaxed) {
            return Watched::default();
        }
        let suspects = patiently(|| self.store.records_at_work(self.group, place)).await;
        tracing::warn!(
            group = self.group, %place, suspects = suspects.len(),
            "a process of this group ended without farewell; the next records are noted before they are worked on"
        );
        Watched { left: AtomicU32::new(NOTED_MAX), suspects: suspects.into_iter().collect() }
    }
}

impl Watched {
    fn takes_one(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}
