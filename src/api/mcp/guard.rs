//! What no message is read for: a page of another site in the browser of whoever runs the server (DNS rebinding), and
//! methods other than POST.

use crate::domain::{Error, Result};
use crate::http::request::header;
use std::net::SocketAddr;
use url::{Host, Url};

pub struct Guard {
    /// Whether only this machine reaches the server, so that it is asked for under a name of this machine.
    loopback: bool,
    /// The host of `server.public_url`.
    public_host: Option<Host>,
}

impl Guard {
    pub fn new(address: SocketAddr, public_url: &str) -> Self {
        let public_host = Url::parse(public_url).ok().and_then(|url| host(&url));
        Guard { loopback: address.ip().to_canonical().is_loopback(), public_host }
    }

    pub fn admit(&self, request: &rouille::Request) -> Result<()> {
        if let Some(origin) = header(request, "Origin")? {
            self.check(Url::parse(origin).ok(), "Origin", origin)?;
        }
        if self.loopback
            && let Some(host) = header(request, "Host")?
        {
            self.check(Url::parse(&format!("http://{host}/")).ok(), "Host", host)?;
        }
        match request.method() {
            "POST" => Ok(()),
            _ => Err(Error::MethodNotAllowed { allow: "POST".into() }),
        }
    }

    fn check(&self, url: Option<Url>, name: &str, value: &str) -> Result<()> {
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let known = url.and_then(|url| host(&url)).is_some_and(|host| is_local(&host) || self.public_host.as_ref() == Some(&host));
        if known {
            return Ok(());
        }
        Err(Error::Forbidden(format!("The {name} {value} is not allowed here; set server.public_url if clients reach the server under it")))
    }
}

fn host(url: &Url) -> Option<Host> {
    url.host().map(|host| host.to_owned())
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(guard: &Guard, headers: &[(&str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        guard.admit(&rouille::Request::fake_http("POST", PATH, headers, Vec::new())).is_ok()
    }

    const PATH: &str = "/mcp";

    #[test]
    fn only_this_machine_and_the_public_host_may_ask() {
        let guard = Guard::new("127.0.0.1:8080".parse().unwrap(), "https://market.example.com/x");
        for host in ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080", "Market.Example.com", "market.example.com:443"] {
            assert!(admits(&guard, &[("Host", host)]), "{host}");
            assert!(admits(&guard, &[("Origin", &format!("https://{host}"))]), "{host}");
        }
        for host in ["evil.example.com", "localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1", "", "a b", "evil.com@localhost.com"] {
            assert!(!admits(&guard, &[("Host", host)]), "{host}");
            assert!(!admits(&guard, &[("Origin", &format!("http://{host}"))]), "{host}");
        }
        for origin in ["null", "file://localhost", "localhost", ""] {
            assert!(!admits(&guard, &[("Origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn a_server_for_others_is_asked_for_under_any_name() {
        let guard = Guard::new("0.0.0.0:8080".parse().unwrap(), "");
        assert!(admits(&guard, &[("Host", "market.example.com")]));
        assert!(!admits(&guard, &[("Host", "market.example.com"), ("Origin", "https://market.example.com")]));
    }
}
