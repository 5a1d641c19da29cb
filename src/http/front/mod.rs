//! The sockets: hyper outside, rouille inside.
//!
//! One thread with a small runtime runs every connection; nothing else may use it. A connection's bytes pass the
//! [`gate`], which judges each request's head before hyper sees it; [`exchange`] reads the body, and only a whole request
//! takes a thread of the pool. Whatever goes wrong, the answer's body is the handler's.

mod connection;
mod exchange;
mod gate;
mod head;
mod places;
#[cfg(test)]
mod tests;

pub use exchange::Reply;

use super::pool::Pool;
use places::{Place, Places};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// After a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What answers the requests.
pub trait Handler: Send + Sync + 'static {
    /// Runs on a pool thread. Answers through `reply`, now or later, from any thread.
    fn handle(&self, request: rouille::Request, reply: Reply);
    /// The answer when there is no request to handle.
    fn refuse(&self, peer: IpAddr, refusal: Refusal) -> rouille::Response;
}

/// Why a request never reached [`Handler::handle`], or came to nothing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    BadRequest(&'static str),
    HeadTooLarge,
    RequestTimeout,
    PayloadTooLarge,
    Overloaded,
    Internal,
}

/// What a connection may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// More take the places of those that keep the server waiting.
    pub connections: u32,
    pub head_bytes: usize,
    pub headers: usize,
    /// From a head's first byte to its last.
    pub head_timeout: Duration,
    pub body_bytes: usize,
    pub body_timeout: Duration,
    /// Between requests of a connection.
    pub idle_timeout: Duration,
    /// Without any progress of a write.
    pub write_timeout: Duration,
    /// For requests in flight when the server stops.
    pub grace: Duration,
    pub threads: usize,
    /// Requests that may wait for a thread.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: places::affordable().min(1_024),
            head_bytes: 16 * 1_024,
            headers: 64,
            head_timeout: Duration::from_secs(10),
            body_bytes: 256 * 1_024,
            body_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_secs(15),
            grace: Duration::from_secs(10),
            threads: 8,
            queue: 1_024,
        }
    }
}

/// What all connections share.
struct Shared {
    handler: Arc<dyn Handler>,
    limits: Limits,
    pool: Pool,
    stopped: watch::Receiver<bool>,
}

/// A bound socket, not yet served: an address in use is an error before anything else is done.
pub struct Front {
    listener: std::net::TcpListener,
}

impl Front {
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Front { listener })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until [`Running::stop`].
    pub fn start(self, handler: Arc<dyn Handler>, limits: Limits) -> io::Result<Running> {
        let pool = Pool::start("request", limits.threads, limits.queue)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(self.listener)?
        };
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared { handler, limits, pool, stopped: stopped.clone() });
        let thread =
            std::thread::Builder::new().name("front".into()).spawn(move || runtime.block_on(serve(&listener, &shared, stopped)))?;
        Ok(Running { stop, thread: Some(thread) })
    }
}

/// A served socket.
pub struct Running {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Accepts nothing more, closes idle connections, and returns when the requests in flight are answered or the grace
    /// is over.
    pub fn shut(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shut();
    }
}

async fn serve(listener: &TcpListener, shared: &Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let limits = shared.limits;
    let places = Places::new(limits.connections);
    loop {
        let accept = async {
            match listener.accept().await {
                Ok((stream, peer)) => places.take().await.map(|place| (stream, peer, place)),
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}; trying on");
                    // If it is for want of file descriptors, this gives back one.
                    places.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    None
                }
            }
        };
        let accepted = tokio::select! {
            accepted = accept => accepted,
            _ = stopped.changed() => break,
        };
        if let Some((stream, peer, place)) = accepted {
            tokio::spawn(welcome(stream, peer, place, Arc::clone(shared), stopped.clone()));
        }
    }
    let _ = tokio::time::timeout(limits.grace, places.all_free()).await;
}

async fn welcome(stream: TcpStream, peer: SocketAddr, place: Place, shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
    // Without it every answer longer than a packet waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let place = Arc::new(place);
    tokio::select! {
        () = place.given_up() => log::debug!("connection of {peer}: gave up its place"),
        () = connection::serve(stream, peer, Arc::clone(&place), shared, stopped) => {}
    }
}

/// Blocks until SIGINT or SIGTERM.
pub fn wait_for_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
