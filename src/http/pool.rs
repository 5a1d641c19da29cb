//! Plain threads behind a bounded queue.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

/// The queue had no place.
#[derive(Debug)]
pub struct Full;

/// Runs on one of the threads with `Ok`, or at once on the caller's with [`Full`].
type Job = Box<dyn FnOnce(Result<(), Full>) + Send>;

pub struct Pool {
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// `threads` threads; `queue` jobs may wait for one.
    pub fn start(name: &str, threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, jobs) = bounded(queue);
        let thread = |number| {
            let jobs = jobs.clone();
            std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&jobs))
        };
        let threads = (0..threads).map(thread).collect::<Result<_, _>>()?;
        Ok(Pool { queue: Some(sender), threads })
    }

    pub fn run(&self, job: impl FnOnce(Result<(), Full>) + Send + 'static) {
        let Some(queue) = &self.queue else { return job(Err(Full)) };
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = queue.try_send(Box::new(job)) {
            job(Err(Full));
        }
    }
}

/// Runs what is queued, then ends the threads.
impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        // The panic has printed itself; the thread lives on for the next job.
        let _ = catch_unwind(AssertUnwindSafe(|| job(Ok(()))));
    }
}
