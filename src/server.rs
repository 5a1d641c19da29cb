//! A whole server in this process: database, services and front, put together and taken apart in order.

use crate::api::mcp::Mcp;
use crate::api::{Api, openapi, rest};
use crate::config::Config;
use crate::domain::entropy::Entropy;
use crate::domain::named::Named;
use crate::domain::risk::RiskGate;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenSigner;
use crate::fixture::Ephemeral;
use crate::http::dispatch::Dispatch;
use crate::http::executor::Executor;
use crate::http::front::{Front, Limits, Running};
use crate::http::pool::Pool;
use crate::http::rate_limit::RateLimiter;
use crate::http::waiting::WaitingRoom;
use crate::operation::due::Failures;
use crate::operation::password::{Cost, Passwords};
use crate::operation::sandbox::Sandbox;
use crate::operation::sandbox::fault::Faults;
use crate::operation::sandbox::request::RequestLog;
use crate::operation::{Clocks, Ctx, Services};
use crate::store::{Db, Lasting};
use crate::worker::clock::Clock;
use crate::worker::delivery::Deliverer;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// Requests with slow work that may wait; more are told to come back.
const SLOW_QUEUE: usize = 64;
/// As many as there are connections to read with: more would wait for one of these, and be woken and put to sleep for it.
const REQUEST_THREADS: usize = 4;
/// 2030-01-01T00:00:00Z: where the test clock of a server with a seed begins.
const SEEDED_BEGINNING: Timestamp = Timestamp::from_millis(1_893_456_000_000);

/// Why a server did not start, with what to do about it.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// A running server; dropping it stops it.
pub struct Server {
    // Dropped in this order: no request arrives once the database closes.
    front: Running,
    waiting: Arc<WaitingRoom>,
    clock: Option<Clock>,
    deliverer: Option<Deliverer>,
    address: SocketAddr,
    db: Arc<Db>,
    services: Arc<Services>,
}

impl Server {
    /// Binds, opens the database as its only server, and serves.
    pub fn start(config: Config) -> Result<Server, StartError> {
        Self::start_for(Purpose::Market, config)
    }

    /// A fixture for tests, to be configured and started: an in-process server with accounts and keys ready.
    pub fn ephemeral() -> Ephemeral {
        Ephemeral::default()
    }

    pub(crate) fn start_for(purpose: Purpose, config: Config) -> Result<Server, StartError> {
        let listen = config.server.listen;
        let front = Front::bind(listen).map_err(|error| bind_error(listen, &error))?;
        let address = front.local_addr()?;
        let entropy = Arc::new(purpose.entropy());
        let db = Db::open_exclusive(&config.server.data, config.store.max_batch, purpose.lasting(), entropy)?;
        let db = Arc::new(db);
        let services = Arc::new(services(config, &db, purpose)?);
        let waiting = Arc::new(WaitingRoom::open(&db)?);
        let deliverer = Deliverer::start(&db, &services)?;
        let api = api(&db, &services, &waiting, address)?;
        let limits = Limits { threads: REQUEST_THREADS, ..Limits::default() };
        let front = front.start(Arc::new(api), limits)?;
        let clock = Clock::start(Arc::clone(&db), Arc::clone(&services))?;
        Ok(Server { front, waiting, clock: Some(clock), deliverer: Some(deliverer), address, db, services })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn mode(&self) -> &'static str {
        self.services.config.server.mode.as_str()
    }

    /// The database's absolute path.
    pub fn database(&self) -> &Path {
        self.db.path()
    }

    /// Stops: no new requests, those in flight finish (≤ 10 s), the queue of writes empties, the file is checkpointed.
    pub fn stop(self) {
        drop(self);
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// What operations of the server itself run in.
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx::system(&self.services, self.services.config.server.mode)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.waiting.close();
        self.services.sandbox.close();
        self.db.wake();
        self.front.shut();
        self.clock = None;
        self.deliverer = None;
    }
}

/// What a server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// In earnest, be it a sandbox.
    Market,
    /// For one run of a test: nothing outlives it, nothing in it is a secret, and with a seed all of it can be foreseen.
    Fixture { seed: Option<u64> },
}

impl Purpose {
    fn seed(self) -> Option<u64> {
        match self {
            Purpose::Market => None,
            Purpose::Fixture { seed } => seed,
        }
    }

    fn entropy(self) -> Entropy {
        self.seed().map_or_else(Entropy::system, Entropy::seeded)
    }

    fn lasting(self) -> Lasting {
        if self == Purpose::Market { Lasting::OnDisk } else { Lasting::WithTheProcess }
    }

    fn password_cost(self) -> Cost {
        if self == Purpose::Market { Cost::OWASP } else { Cost::LEAST }
    }
}

/// What all calls share; the key of the ID tokens is made at the first start.
pub(crate) fn services(config: Config, db: &Db, purpose: Purpose) -> Result<Services, StartError> {
    let candidate = db.entropy().bytes()?;
    let key = db.write(move |tx| tx.find_or_insert_server_key("id_token", candidate))?;
    let clocks = match purpose.seed() {
        Some(_) => db.write(|tx| Clocks::beginning_at(SEEDED_BEGINNING, tx))?,
        None => db.read(Clocks::load)?,
    };
    Ok(Services {
        risk_gate: RiskGate::new(&config.risk_gate.rules)?,
        signer: TokenSigner::new(key, &config.server.public_url),
        passwords: Passwords::new(purpose.password_cost(), cores()),
        clocks,
        entropy: Arc::clone(db.entropy()),
        sandbox: Sandbox::default(),
        faults: Faults::new(rest::faultable()),
        failures: Failures::default(),
        requests: RequestLog::default(),
        config,
    })
}

/// The way through: everything that answers requests.
fn api(db: &Arc<Db>, services: &Arc<Services>, waiting: &Arc<WaitingRoom>, address: SocketAddr) -> io::Result<Api> {
    let config = &services.config;
    let public_url = match config.server.public_url.trim_end_matches('/') {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    };
    let executor = Arc::new(Executor {
        db: Arc::clone(db),
        services: Arc::clone(services),
        limiter: RateLimiter::new(config.rate_limits.clone(), config.server.mode),
        waiting: Arc::clone(waiting),
        slow_lane: Pool::start("slow", cores(), SLOW_QUEUE)?,
        control_lane: Pool::start("control", 1, SLOW_QUEUE)?,
    });
    let mcp = Mcp::new(Arc::clone(&executor), address);
    let document =
        (rest::DOCUMENT_PATH, LazyLock::new(Box::new(move || openapi::document(&public_url).to_string().into_bytes()) as Box<_>));
    Ok(Api { rest: Dispatch { executor, routes: &rest::ROUTES, document }, mcp })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn bind_error(listen: SocketAddr, error: &io::Error) -> StartError {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there: end it, or choose another address with --listen 127.0.0.1:0",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one with --listen",
        _ => "choose another address with --listen",
    };
    format!("cannot listen on {listen}: {error}; {advice}").into()
}
