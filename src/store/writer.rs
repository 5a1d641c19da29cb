//! Group commit: one thread owns the write connection and pays one fsync for every job that waits.
//!
//! It takes a job, begins, runs it in a savepoint, takes whatever else has queued meanwhile, commits, and only then
//! answers them all. There is no artificial delay: the next batch gathers while this one's fsync runs. A job that fails
//! or panics is rolled back to its savepoint and leaves the others alone; a commit that fails fails every job in it.

use super::told::Listeners;
use super::tx::WriteTx;
use crate::domain::entropy::Entropy;
use crate::domain::{Error, Result};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rusqlite::Connection;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

const QUEUE: usize = 4_096;
const COMMIT_FAILED: &str = "The change could not be saved; nothing was done, retry later";

/// Runs in its savepoint (or is refused, without a transaction) and leaves what is to be said after the commit.
type Job = Box<dyn FnOnce(Option<&WriteTx>) -> Finished + Send>;

struct Finished {
    keep: bool,
    answer: Box<dyn FnOnce(bool) + Send>,
}

/// The queue is full: here is `done` back.
pub struct QueueFull<D>(pub D);

pub struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// At most `max_batch` jobs share a commit, of which `listeners` are told.
    pub fn start(conn: Connection, max_batch: usize, listeners: Arc<Listeners>, entropy: Arc<Entropy>) -> std::io::Result<Self> {
        let (queue, jobs) = bounded(QUEUE);
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || run(&conn, &jobs, max_batch, &listeners, &entropy))?;
        Ok(Writer { queue: Some(queue), thread: Some(thread) })
    }

    pub fn submit<T, W, D>(&self, work: W, done: D) -> Result<(), QueueFull<D>>
    where
        T: Send + 'static,
        W: FnOnce(&WriteTx) -> Result<T> + Send + 'static,
        D: FnOnce(Result<T>) + Send + 'static,
    {
        let Some(queue) = &self.queue else { return Err(QueueFull(done)) };
        if queue.is_full() {
            return Err(QueueFull(done));
        }
        let job: Job = Box::new(move |tx| finish(work, done, tx));
        match queue.try_send(job) {
            Ok(()) => Ok(()),
            // Filled in this very moment: waiting for one place is the shortest way to an answer.
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                let _ = queue.send(job);
                Ok(())
            }
        }
    }
}

/// Lets the queue empty, then checkpoints and closes the file.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn finish<T: Send + 'static>(
    work: impl FnOnce(&WriteTx) -> Result<T>,
    done: impl FnOnce(Result<T>) + Send + 'static,
    tx: Option<&WriteTx>,
) -> Finished {
    let result = match tx {
        Some(tx) => Error::catch_panic(|| work(tx)),
        None => Err(Error::Unavailable(COMMIT_FAILED)),
    };
    let keep = result.is_ok();
    let answer = Box::new(move |committed: bool| {
        done(if committed || !keep { result } else { Err(Error::Unavailable(COMMIT_FAILED)) });
    });
    Finished { keep, answer }
}

fn run(conn: &Connection, jobs: &Receiver<Job>, max_batch: usize, listeners: &Listeners, entropy: &Entropy) {
    while let Ok(first) = jobs.recv() {
        let (mut finished, told) = (Vec::new(), RefCell::default());
        let outcome = commit_batch(&WriteTx::new(conn, &told, entropy), first, jobs, max_batch, &mut finished);
        if let Err(error) = &outcome {
            log::error!("a commit of {} changes failed, none was kept: {error}", finished.len());
            if !conn.is_autocommit() {
                let _ = conn.execute_batch("ROLLBACK");
            }
        }
        let told = told.into_inner();
        if outcome.is_ok() {
            // What a listener does must not cost the callers their answers.
            let _ = catch_unwind(AssertUnwindSafe(|| listeners.tell(&told)));
        }
        for job in finished {
            // An answer that panics must not silence the others.
            let _ = catch_unwind(AssertUnwindSafe(|| (job.answer)(outcome.is_ok())));
        }
    }
    // Without PRAGMA optimize: what it notes of a small file makes the next server scan a table that has grown since.
    if let Err(error) = conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        log::warn!("no checkpoint at close: {error}; the next start does it");
    }
}

fn commit_batch(tx: &WriteTx, first: Job, jobs: &Receiver<Job>, max_batch: usize, finished: &mut Vec<Finished>) -> rusqlite::Result<()> {
    let conn = tx.conn;
    let begun = conn.prepare_cached("BEGIN IMMEDIATE")?.execute([]);
    run_job(conn, tx, first, finished);
    begun?;
    while finished.len() < max_batch && !conn.is_autocommit() {
        let Ok(job) = jobs.try_recv() else { break };
        run_job(conn, tx, job, finished);
    }
    tx.index_new_task_texts()?;
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// Without a transaction (it could not begin, or the disk ended it) the job is refused unrun.
fn run_job(conn: &Connection, tx: &WriteTx, job: Job, finished: &mut Vec<Finished>) {
    let step = |sql: &str| conn.prepare_cached(sql).and_then(|mut statement| statement.execute([])).is_ok();
    if conn.is_autocommit() || !step("SAVEPOINT job") {
        finished.push(job(None));
        return;
    }
    let done = job(Some(tx));
    if !done.keep && !conn.is_autocommit() {
        step("ROLLBACK TO job");
    }
    if !conn.is_autocommit() {
        step("RELEASE job");
    }
    finished.push(done);
}
