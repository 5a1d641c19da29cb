//! So many clients, each sending one request after the other for so long.

use crate::client::{Client, TASK};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What every client sends.
pub struct Load {
    client: Client,
    method: &'static str,
    path: String,
    body: &'static str,
    /// Numbers the idempotency keys.
    keys: Option<AtomicU64>,
}

impl Load {
    pub fn create(client: &Client) -> Self {
        Load { client: client.clone(), method: "POST", path: "/tasks".into(), body: TASK, keys: Some(AtomicU64::new(0)) }
    }

    pub fn get(client: &Client, path: &str) -> Self {
        Load { client: client.clone(), method: "GET", path: path.to_owned(), body: "", keys: None }
    }

    pub fn post(client: &Client, path: &str) -> Self {
        Load { client: client.clone(), method: "POST", path: path.to_owned(), body: TASK, keys: None }
    }

    fn request(&self) -> String {
        let key = self.keys.as_ref().map(|keys| format!("Idempotency-Key: {}\r\n", keys.fetch_add(1, Ordering::Relaxed)));
        self.client.request(self.method, &self.path, &key.unwrap_or_default(), self.body)
    }
}

/// The latencies of all requests, in ms, sorted.
pub struct Figures {
    latencies: Vec<f64>,
    elapsed: Duration,
}

impl Figures {
    pub fn of(mut latencies: Vec<f64>, elapsed: Duration) -> Self {
        latencies.sort_unstable_by(f64::total_cmp);
        Figures { latencies, elapsed }
    }

    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    pub fn percentile(&self, percent: f64) -> f64 {
        let last = self.latencies.len() - 1;
        self.latencies[(last as f64 * percent / 100.0) as usize]
    }

    pub fn tail(&self) -> String {
        format!("{:.2} / {:.2} / {:.2}", self.percentile(50.0), self.percentile(99.0), self.percentile(99.9))
    }
}

pub fn measure(clients: usize, duration: Duration, load: &Load) -> Figures {
    let begun = Instant::now();
    let latencies: Vec<f64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(|| run(begun + duration, load))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    Figures::of(latencies, begun.elapsed())
}

fn run(end: Instant, load: &Load) -> Vec<f64> {
    let mut connection = load.client.connect();
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let request = load.request();
        let sent = Instant::now();
        let (status, text) = connection.exchange(&request);
        latencies.push(sent.elapsed().as_secs_f64() * 1_000.0);
        assert!(status < 300, "{text}");
    }
    latencies
}
