//! How everything sends over HTTP, to whomever.

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// No proxy from the environment, no redirects, every status an answer, and the system's own certificates, among which a
/// self-hoster's may be.
pub fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .user_agent(concat!("humans2ai/", env!("CARGO_PKG_VERSION")))
}
