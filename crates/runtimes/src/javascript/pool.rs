use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

type Work = Box<dyn FnOnce() + Send>;

/// Threads for runs: as many computing ones as there are cores, further ones as runs wait, or compute for long. A
/// thread that has nothing to do for a while ends, so that an idle pool has none.
#[derive(Default)]
pub(super) struct ThreadPool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    /// When the queue last moved on: work was taken, or a thread was started for it.
    moved: Option<Instant>,
    /// Threads that look for work.
    idle: usize,
    /// Threads that compute: neither idle nor waiting in the midst of a run.
    active: usize,
}

impl ThreadPool {
    /// Enough for the engine's own stack limit and what calls it.
    const STACK_BYTES: usize = super::sandbox::STACK_BYTES + 512 * 1024;
    const IDLE: Duration = Duration::from_secs(5);
    /// How long work waits for one of the busy threads before there is another one.
    pub(super) const PATIENCE: Duration = Duration::from_millis(2);

    /// Has the work done by the next thread that is free.
    pub(super) fn submit(self: &Arc<Self>, work: Work) -> io::Result<()> {
        let mut state = self.lock();
        state.queue.push_back(work);
        if state.idle >= state.queue.len() {
            self.work.notify_one();
            Ok(())
        } else if state.active < cores() {
            self.spawn(&mut state)
        } else {
            Ok(())
        }
    }

    /// Starts one more thread if work is waiting and none was taken for a while: the busy threads are in no hurry.
    pub(super) fn grow(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.lock();
        let stands = state.moved.is_none_or(|moved| moved.elapsed() >= Self::PATIENCE);
        if stands && state.queue.len() > state.idle {
            state.moved = Some(Instant::now());
            self.spawn(&mut state)
        } else {
            Ok(())
        }
    }

    /// Waits within a piece of work. Its core is another's meanwhile.
    pub(super) fn waiting<T>(self: &Arc<Self>, wait: impl FnOnce() -> T) -> T {
        {
            let mut state = self.lock();
            state.active -= 1;
            if state.queue.len() > state.idle && state.active < cores() {
                // Where no thread can be had, whoever submitted the work tries again.
                if let Err(error) = self.spawn(&mut state) {
                    tracing::debug!("no further thread for JavaScript can be had: {error}");
                }
            }
        }
        let outcome = wait();
        self.lock().active += 1;
        outcome
    }

    fn spawn(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let pool = Arc::clone(self);
        thread::Builder::new()
            .name("javascript".to_owned())
            .stack_size(Self::STACK_BYTES)
            .spawn(move || pool.serve())?;
        state.active += 1;
        Ok(())
    }

    fn serve(&self) {
        yield_to_others();
        let mut state = self.lock();
        loop {
            if let Some(work) = state.queue.pop_front() {
                state.moved = Some(Instant::now());
                drop(state);
                work();
                state = self.lock();
                continue;
            }
            state.active -= 1;
            state.idle += 1;
            let (back, waited) = self
                .work
                .wait_timeout(state, Self::IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                return;
            }
            state.active += 1;
        }
    }

    /// A panic leaves nothing half done here: work is run without the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn thread_count(&self) -> usize {
        let state = self.lock();
        state.idle + state.active
    }
}

fn cores() -> usize {
    static CORES: std::sync::LazyLock<usize> =
        std::sync::LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Lowers the thread's priority: a task that computes must not keep the scheduler from a core. On Linux alone it is
/// the thread's; elsewhere it would be the whole process's.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(5) {
        tracing::debug!("the priority of a thread for JavaScript cannot be lowered: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_that_blocks_all_threads_delays_other_work_until_the_pool_grows() {
        let pool = Arc::new(ThreadPool::default());
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let (begun, begins) = mpsc::channel();
        for _ in 0..cores() {
            let (blocked, begun) = (Arc::clone(&blocked), begun.clone());
            pool.submit(Box::new(move || {
                begun.send("blocking").unwrap();
                assert!(blocked.lock().unwrap().recv().is_ok());
            }))
            .unwrap();
        }
        for _ in 0..cores() {
            assert_eq!(begins.recv().unwrap(), "blocking");
        }
        pool.submit(Box::new(move || begun.send("other").unwrap()))
            .unwrap();
        assert!(begins.try_recv().is_err());
        let begun = loop {
            pool.grow().unwrap();
            match begins.try_recv() {
                Ok(begun) => break begun,
                Err(_) => thread::yield_now(),
            }
        };
        assert_eq!(begun, "other");
        for _ in 0..cores() {
            release.send(()).unwrap();
        }
    }

    #[test]
    fn work_that_waits_lends_its_core() {
        let pool = Arc::new(ThreadPool::default());
        let (releases, (waiting, waits)) = (Mutex::new(Vec::new()), mpsc::channel());
        for _ in 0..10 * cores() {
            let (release, released) = mpsc::channel::<()>();
            releases.lock().unwrap().push(release);
            let (inner, waiting) = (Arc::clone(&pool), waiting.clone());
            let work = move || {
                inner.waiting(|| {
                    waiting.send(()).unwrap();
                    assert!(released.recv().is_ok());
                });
            };
            pool.submit(Box::new(work)).unwrap();
        }
        for _ in 0..10 * cores() {
            waits.recv().unwrap();
        }
        for release in releases.into_inner().unwrap() {
            release.send(()).unwrap();
        }
    }

    #[test]
    fn a_pool_without_work_has_no_thread() {
        let pool = Arc::new(ThreadPool::default());
        assert_eq!(pool.thread_count(), 0);
        let (done, dones) = mpsc::channel();
        pool.submit(Box::new(move || done.send(()).unwrap())).unwrap();
        dones.recv().unwrap();
        assert_eq!(pool.thread_count(), 1);
    }
}
