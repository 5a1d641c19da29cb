//! A receiver of webhooks, as its owner would write one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rouille::{Request, Response};
use serde_json::Value;
use sha2::Sha256;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// One attempt as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The event's id, the same for every attempt.
    pub fn event_id(&self) -> &str {
        self.header("webhook-id").unwrap()
    }

    /// Whether both signatures are this secret's: the published page's and that of Standard Webhooks.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let page = self.header("X-Humans2AI-Signature").unwrap().split_once("v1=").unwrap().1.to_owned();
        self.page_digest(secret) == page && self.standard_signatures().contains(&self.standard_digest(secret))
    }

    /// The hex digest that the page's verification code computes.
    pub fn page_digest(&self, secret: &str) -> String {
        hmac(secret.as_bytes(), &self.body).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    fn standard_digest(&self, secret: &str) -> String {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.event_id(), self.header("webhook-timestamp").unwrap(), self.body);
        format!("v1,{}", STANDARD.encode(hmac(&key, &signed)))
    }

    fn standard_signatures(&self) -> Vec<String> {
        self.header("webhook-signature").unwrap().split(' ').map(str::to_owned).collect()
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    arrived: Condvar,
}

pub struct Receiver {
    pub url: String,
    inbox: Arc<Inbox>,
    /// How many were taken by [`Receiver::next`].
    taken: AtomicUsize,
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Answers every attempt with 200.
    pub fn start() -> Self {
        Self::answering(|_, _| Response::text("ok"))
    }

    /// Answers the attempt, the n-th from 0, with what `answer` says.
    pub fn answering(answer: impl Fn(usize, &Received) -> Response + Send + Sync + 'static) -> Self {
        let inbox = Arc::new(Inbox::default());
        let (server_inbox, threads) = (Arc::clone(&inbox), 16);
        let server = rouille::Server::new("127.0.0.1:0", move |request| {
            let attempt = read(request);
            let number = {
                let mut received = server_inbox.received.lock().unwrap();
                received.push(attempt.clone());
                received.len() - 1
            };
            server_inbox.arrived.notify_all();
            answer(number, &attempt)
        });
        let server = server.unwrap().pool_size(threads);
        let url = format!("http://{}/hook", server.server_addr());
        let (thread, stop) = server.stoppable();
        Receiver { url, inbox, taken: AtomicUsize::new(0), stop, thread: Some(thread) }
    }

    /// What has arrived until now.
    pub fn received(&self) -> Vec<Received> {
        self.inbox.received.lock().unwrap().clone()
    }

    /// The next attempt, in the order they arrive.
    #[track_caller]
    pub fn next(&self) -> Received {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        self.wait_for(number + 1)[number].clone()
    }

    /// The events of the next attempts.
    #[track_caller]
    pub fn next_events(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().json()["event"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether nothing has arrived that was not taken.
    pub fn is_empty(&self) -> bool {
        self.received().len() == self.taken.load(Ordering::Relaxed)
    }

    /// Waits until there is what `enough` asks for.
    #[track_caller]
    pub fn wait_until(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let received = self.inbox.received.lock().unwrap();
        let waited = self.inbox.arrived.wait_timeout_while(received, Duration::from_secs(30), |received| !enough(received));
        let (received, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "only {} attempts arrived", received.len());
        received.clone()
    }

    #[track_caller]
    pub fn wait_for(&self, attempts: usize) -> Vec<Received> {
        self.wait_until(|received| received.len() >= attempts)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(request: &Request) -> Received {
    let mut body = String::new();
    request.data().unwrap().read_to_string(&mut body).unwrap();
    let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Received { path: request.url(), headers, body }
}
