//! Sends one attempt.

use crate::config::Config;
use crate::domain::actor::Mode;
use crate::domain::webhook::SignedRequest;
use crate::operation::Services;
use crate::operation::webhook::check_address;
use crate::worker::outgoing;
use std::fmt;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use ureq::config::Config as AgentConfig;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

/// What is kept of an answer.
const MAX_RESPONSE_BYTES: u64 = 1_024;
/// Connections kept for the next delivery; many endpoints may live on one host.
const MAX_IDLE_CONNECTIONS: usize = 256;

/// One client for each mode: they differ in where they may connect.
pub struct Clients {
    live: Client,
    test: Client,
}

impl Clients {
    pub fn new(services: &Arc<Services>) -> Self {
        Clients { live: Client::new(services, Mode::Live), test: Client::new(services, Mode::Test) }
    }

    pub fn of(&self, mode: Mode) -> &Client {
        match mode {
            Mode::Live => &self.live,
            Mode::Test => &self.test,
        }
    }
}

pub struct Client(Agent);

impl Client {
    fn new(services: &Arc<Services>, mode: Mode) -> Self {
        let webhooks = &services.config.webhooks;
        let connect = Some(Duration::from_secs(webhooks.connect_timeout_seconds.into()));
        let config = outgoing::config()
            .https_only(mode.is_live())
            .timeout_global(Some(Duration::from_secs(webhooks.timeout_seconds.into())))
            .timeout_resolve(connect)
            .timeout_connect(connect)
            // The status has decided by then: a body that drips must not cost the success.
            .timeout_recv_body(connect)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .build();
        let resolver = GuardedResolver { services: Arc::clone(services), mode, names: DefaultResolver::default() };
        Client(Agent::with_parts(config, DefaultConnector::default(), resolver))
    }

    /// The answer's status and the beginning of its body.
    ///
    /// # Errors
    /// Why there was no answer, for the endpoint's owner.
    pub fn send(&self, url: &str, request: SignedRequest) -> Result<(u16, String), String> {
        // Its parser writes every form of an address in the one that is checked.
        let url = url::Url::parse(url).map_err(|error| error.to_string())?;
        let mut post = self.0.post(url.as_str());
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let mut response = post.send(request.body).map_err(|error| describe(&error))?;
        let mut body = Vec::new();
        // What arrived of a body that breaks off is kept as well.
        let _ = response.body_mut().as_reader().take(MAX_RESPONSE_BYTES).read_to_end(&mut body);
        Ok((response.status().as_u16(), String::from_utf8_lossy(&body).into_owned()))
    }
}

fn describe(error: &Error) -> String {
    match error {
        Error::Timeout(timeout) => format!("no answer in time ({timeout})"),
        Error::HostNotFound => "the host's name is not known".to_owned(),
        Error::Io(error) => error.to_string(),
        Error::Other(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Refuses a host if any of its addresses may not be sent to. The addresses it returns are those that are connected to,
/// so a name that changes its answer gains nothing.
struct GuardedResolver {
    services: Arc<Services>,
    mode: Mode,
    names: DefaultResolver,
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardedResolver({})", self.mode)
    }
}

impl Resolver for GuardedResolver {
    fn resolve(&self, uri: &Uri, config: &AgentConfig, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let addresses = match literal(uri) {
            // A lookup would take a thread of its own.
            Some(address) => {
                let mut addresses = self.empty();
                addresses.push(address);
                addresses
            }
            None => self.names.resolve(uri, config, timeout)?,
        };
        let settings: &Config = &self.services.config;
        for address in &addresses {
            // The refusal does not name it: what an inner name leads to is not for the endpoint's owner to learn.
            let refused = "the host leads to an address that is not public; the server's operator can list it in webhooks.allow";
            check_address(settings, self.mode, address.ip()).map_err(|_| Error::Other(refused.into()))?;
        }
        Ok(addresses)
    }
}

/// The address and port of a host that is an address.
fn literal(uri: &Uri) -> Option<SocketAddr> {
    let address: IpAddr = uri.host()?.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(SocketAddr::new(address, uri.port_u16().unwrap_or(default)))
}
