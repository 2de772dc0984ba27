//! Signs of life of a process's workers, for its health: whether the loops turn, and whether open records move. Written
//! by the loops, read by whoever is asked; decides nothing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// What all loops of a process have in common.
#[derive(Debug)]
pub struct Pulses {
    since: Instant,
    open: AtomicUsize,
    /// Milliseconds from `since` to the last record that was settled, or to the first that was taken since none was open.
    moved: AtomicU64,
    loops: Mutex<Vec<Arc<Pulse>>>,
}

/// The signs of life of one loop.
#[derive(Debug)]
pub struct Pulse {
    group: &'static str,
    all: Arc<Pulses>,
    open: AtomicUsize,
    turned: AtomicU64,
    /// Milliseconds from the beginning to the last turn at which it had no room for more; none yet counts as the beginning.
    full: AtomicU64,
    given: AtomicBool,
    ended: AtomicBool,
}

/// How the loops of a process are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// Records that are open.
    pub open: usize,
    /// For how long none of them has moved; nothing while none is open.
    pub still: Duration,
    /// How long ago the slowest loop last turned.
    pub turned: Duration,
    /// For how long each loop has had room for more records.
    pub room: Duration,
    /// There are loops; a worker that cannot note in the database that it begins has none.
    pub begun: bool,
    /// There are loops, and each of them was given partitions at least once.
    pub given: bool,
}

impl Pulses {
    /// Of a process that has no loop yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            since: Instant::now(),
            open: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            loops: Mutex::default(),
        })
    }

    /// A new loop of a group.
    pub fn begin(self: &Arc<Self>, group: &'static str) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse {
            group,
            all: Arc::clone(self),
            open: AtomicUsize::new(0),
            turned: AtomicU64::new(self.now()),
            full: AtomicU64::new(self.now()),
            given: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        self.loops.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pulse));
        pulse
    }

    /// How they are now.
    pub fn signs(&self) -> Signs {
        let open = self.open.load(Ordering::Acquire);
        let still = if open == 0 { Duration::ZERO } else { self.ago(&self.moved) };
        let loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        let turning = || loops.iter().filter(|one| !one.ended.load(Ordering::Relaxed));
        let turned = turning().map(|one| self.ago(&one.turned)).max().unwrap_or_default();
        let room = turning().map(|one| self.ago(&one.full)).min().unwrap_or_default();
        let begun = turning().next().is_some();
        let given = begun && turning().all(|one| one.given.load(Ordering::Relaxed));
        Signs { open, still, turned, room, begun, given }
    }

    /// Groups with the records that are open in each of their loops.
    pub fn open(&self) -> Vec<(&'static str, usize)> {
        let loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        loops.iter().map(|one| (one.group, one.open.load(Ordering::Relaxed))).collect()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn ago(&self, then: &AtomicU64) -> Duration {
        Duration::from_millis(self.now().saturating_sub(then.load(Ordering::Relaxed)))
    }
}

impl Pulse {
    /// Whose loop it is.
    pub(super) fn group(&self) -> &'static str {
        self.group
    }

    /// The loop turned.
    pub(super) fn turn(&self) {
        self.turned.store(self.all.now(), Ordering::Relaxed);
    }

    /// The loop has no room for more.
    pub(super) fn full(&self) {
        self.full.store(self.all.now(), Ordering::Relaxed);
    }

    /// The loop was given partitions.
    pub(super) fn given(&self) {
        self.given.store(true, Ordering::Relaxed);
    }

    /// A record was taken.
    pub(super) fn taken(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        if self.all.open.fetch_add(1, Ordering::AcqRel) == 0 {
            self.all.moved.store(self.all.now(), Ordering::Release);
        }
    }

    /// A record was settled.
    pub(super) fn settled(&self) {
        self.all.moved.store(self.all.now(), Ordering::Relaxed);
        self.let_go(1);
    }

    /// Records were given back without being settled.
    pub(super) fn let_go(&self, many: usize) {
        self.open.fetch_sub(many, Ordering::Relaxed);
        self.all.open.fetch_sub(many, Ordering::AcqRel);
    }

    /// The loop has ended, as it should.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.let_go(self.open.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(ago: u64) -> Arc<Pulses> {
        let since = Instant::now().checked_sub(Duration::from_secs(ago)).unwrap();
        Arc::new(Pulses {
            since,
            open: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            loops: Mutex::default(),
        })
    }

    #[test]
    fn a_record_that_comes_after_a_long_silence_is_not_still() {
        let all = began(600);
        let one = all.begin("g");
        assert_eq!((all.signs().open, all.signs().still), (0, Duration::ZERO));
        one.taken();
        one.taken();
        assert_eq!(all.signs().open, 2);
        assert!(all.signs().still < Duration::from_secs(60), "it is open only now");
        one.settled();
        one.let_go(1);
        assert_eq!((all.signs().open, all.open()), (0, vec![("g", 0)]));
    }

    #[test]
    fn there_is_room_for_as_long_as_no_loop_was_full() {
        let all = began(600);
        let (one, other) = (all.begin("g"), all.begin("h"));
        one.full.store(0, Ordering::Relaxed);
        other.full.store(0, Ordering::Relaxed);
        assert!(all.signs().room > Duration::from_secs(500));
        one.full();
        assert!(all.signs().room < Duration::from_secs(60));
    }

    #[test]
    fn loops_are_given_partitions_when_each_of_them_was() {
        let all = began(0);
        assert!(!all.signs().given && !all.signs().begun, "there is none");
        let (one, other) = (all.begin("g"), all.begin("h"));
        one.given();
        assert!(!all.signs().given && all.signs().begun);
        other.given();
        assert!(all.signs().given);
    }

    #[test]
    fn records_of_another_loop_that_move_are_progress_and_a_loop_that_stands_is_seen() {
        let all = began(600);
        let (one, other) = (all.begin("g"), all.begin("h"));
        one.taken();
        other.taken();
        all.moved.store(0, Ordering::Relaxed);
        assert!(all.signs().still > Duration::from_secs(500));
        other.settled();
        assert!(all.signs().still < Duration::from_secs(60));
        one.turned.store(0, Ordering::Relaxed);
        other.turn();
        assert!(all.signs().turned > Duration::from_secs(500));
        one.end();
        assert!(all.signs().turned < Duration::from_secs(60), "a loop that has ended need not turn");
        assert_eq!(all.signs().open, 0);
    }
}
