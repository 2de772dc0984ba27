//! The way of log lines to whoever reads them: a thread of its own writes, so that nobody who logs ever waits, be it that the
//! other end of the pipe reads nothing or is gone. What finds no room is lost and counted, and that is all it may log itself.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait at most, and their bytes; the line that passes the limit still waits.
const LINES_MAX: usize = 1024;
const BYTES_MAX: usize = 256 << 10;

/// Takes lines without waiting.
#[derive(Clone)]
pub(super) struct Sink(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    moved: Condvar,
    /// Lines of which nobody was told yet that they are lost.
    lost: AtomicU64,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// One that was taken out is on its way.
    is_writing: bool,
}

impl Sink {
    /// Starts the thread that writes.
    pub(super) fn start(out: impl io::Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writing = Arc::clone(&shared);
        // Nobody joins it: it may stand in a write for ever.
        drop(thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_to(out))?);
        Ok(Self(shared))
    }

    /// Waits until everything is written, but no longer than this.
    pub(super) fn flush(&self, within: Duration) {
        let is_busy = |queue: &mut Queue| queue.is_writing || !queue.lines.is_empty();
        let queue = self.0.queue();
        drop(self.0.moved.wait_timeout_while(queue, within, is_busy));
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, line: &[u8]) {
        let mut queue = self.queue();
        if queue.lines.len() >= LINES_MAX || queue.bytes >= BYTES_MAX {
            drop(queue);
            return self.lose();
        }
        queue.bytes += line.len();
        queue.lines.push_back(line.to_vec());
        drop(queue);
        self.moved.notify_all();
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("peyvand_log_lines_lost_total").increment(1);
    }

    fn write_to(&self, mut out: impl io::Write) {
        loop {
            let line = self.next();
            let written = out.write_all(&line);
            let is_empty = self.written();
            match written {
                Err(_) => self.lose(),
                // With room again, or the words would be lost too.
                Ok(()) if is_empty => self.tell_lost(),
                Ok(()) => {}
            }
        }
    }

    fn next(&self) -> Vec<u8> {
        let is_idle = |queue: &mut Queue| queue.lines.is_empty();
        let waited = self.moved.wait_while(self.queue(), is_idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        let line = queue.lines.pop_front().unwrap_or_default();
        queue.bytes -= line.len();
        queue.is_writing = true;
        line
    }

    /// The one that was taken out is done; whether there is none behind it.
    fn written(&self) -> bool {
        let mut queue = self.queue();
        queue.is_writing = false;
        let is_empty = queue.lines.is_empty();
        drop(queue);
        self.moved.notify_all();
        is_empty
    }

    fn tell_lost(&self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(
                lost,
                "log lines were lost here: whoever reads the standard error of this process took none for a while"
            );
        }
    }
}

/// Whoever formats a line writes it in one piece.
impl io::Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.offer(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::mpsc, time::Instant};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Takes a line whenever it is let.
    struct Slow {
        let_in: mpsc::Receiver<()>,
        taken: Arc<Mutex<Vec<String>>>,
    }

    impl io::Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.let_in.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.taken.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_that_takes_nothing_and_what_finds_no_room_is_counted() {
        let (open, let_in) = mpsc::sync_channel(LINES_MAX);
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let mut sink = Sink::start(Slow { let_in, taken: Arc::clone(&taken) }).unwrap();
        let many = 3 * LINES_MAX;
        sink.write_all(b"0").unwrap();
        // The reader holds it; were it slower, any later line could find the room that it leaves.
        let began = Instant::now();
        while !sink.0.queue().lines.is_empty() {
            assert!(began.elapsed() < PATIENCE, "nobody takes the first line");
            thread::yield_now();
        }
        for number in 1..many {
            sink.write_all(number.to_string().as_bytes()).unwrap();
        }
        let lost = usize::try_from(sink.0.lost.load(Ordering::Relaxed)).unwrap();
        let kept = LINES_MAX + 1;
        assert_eq!(lost, many - kept);
        (0..kept).for_each(|_| open.send(()).unwrap());
        sink.flush(PATIENCE);
        assert_eq!(*taken.lock().unwrap(), (0..kept).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn long_lines_fill_the_room_too() {
        let (_open, let_in) = mpsc::sync_channel(1);
        let mut sink = Sink::start(Slow { let_in, taken: Arc::default() }).unwrap();
        for _ in 0..10 {
            sink.write_all(&vec![b'x'; BYTES_MAX]).unwrap();
        }
        assert!(sink.0.queue().bytes <= BYTES_MAX);
        assert!(sink.0.lost.load(Ordering::Relaxed) >= 8);
    }

    #[test]
    fn a_reader_that_is_gone_costs_the_lines_and_nothing_else() {
        let (_, let_in) = mpsc::sync_channel(1);
        let mut sink = Sink::start(Slow { let_in, taken: Arc::default() }).unwrap();
        let began = Instant::now();
        for _ in 0..100 {
            sink.write_all(b"line").unwrap();
        }
        sink.flush(PATIENCE);
        while sink.0.lost.load(Ordering::Relaxed) < 100 {
            assert!(began.elapsed() < PATIENCE, "{:?}", sink.0.lost);
            thread::yield_now();
        }
    }
}
