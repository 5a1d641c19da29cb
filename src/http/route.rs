//! Method and path to an operation.

use super::rate_limit::Class;
use crate::domain::actor::Access;
use crate::domain::error::Resource;
use crate::domain::{Error, Result};
use crate::operation::Spec;

/// What every documented path begins with.
pub const BASE: &str = "/api/v1";

/// One endpoint: what HTTP adds to an operation.
pub struct Route {
    pub method: &'static str,
    /// Below [`BASE`]; `{name}` is the operation's field of that name.
    pub path: &'static str,
    /// What every path of its form begins with: most requests are another route's, and differ here.
    start: &'static str,
    /// The status of success.
    pub status: u16,
    pub class: Class,
    pub spec: Spec,
    /// Whether a sandbox leaves it out of its log of requests.
    pub untraced: bool,
}

impl Route {
    pub const fn new(method: &'static str, path: &'static str, status: u16, class: Class, spec: Spec) -> Self {
        Route { method, path, start: start(path), status, class, spec, untraced: false }
    }

    #[must_use]
    pub const fn untraced(self) -> Self {
        Route { untraced: true, ..self }
    }

    /// The names in its path.
    pub fn path_names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(placeholder)
    }

    pub fn has_body(&self) -> bool {
        matches!(self.method, "POST" | "PATCH")
    }

    /// Whether an idempotency key is kept for its caller.
    pub fn takes_key(&self) -> bool {
        self.has_body() && self.spec.access != Access::Public
    }

    /// The values of the path's names, if `path` (below [`BASE`]) is of its form.
    fn matches(&self, path: &str) -> Option<Vec<(String, String)>> {
        path.starts_with(self.start).then_some(())?;
        let mut given = path.split('/');
        let mut values = Vec::new();
        for part in self.path.split('/') {
            let segment = given.next()?;
            match placeholder(part) {
                Some(name) if !segment.is_empty() => values.push((name.to_owned(), segment.to_owned())),
                _ if part == segment => {}
                _ => return None,
            }
        }
        given.next().is_none().then_some(values)
    }
}

/// The path up to its first placeholder.
const fn start(path: &'static str) -> &'static str {
    let mut end = 0;
    while end < path.len() && path.as_bytes()[end] != b'{' {
        end += 1;
    }
    path.split_at(end).0
}

/// The name in a part of a route's path, if it is one's place.
pub fn placeholder(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// The route of a request, and its path's values.
///
/// # Errors
/// An unknown path, or a known one without that method.
pub fn find<'r>(routes: &'r [Route], method: &str, path: &str) -> Result<(&'r Route, Vec<(String, String)>)> {
    let method = if method == "HEAD" { "GET" } else { method };
    let below = path.strip_prefix(BASE).filter(|below| below.starts_with('/')).ok_or(Error::NotFound(Resource::Path))?;
    let below = below.strip_suffix('/').unwrap_or(below);
    let mut allowed = Vec::new();
    for route in routes {
        if let Some(values) = route.matches(below) {
            if route.method == method {
                return Ok((route, values));
            }
            allowed.push(route.method);
        }
    }
    if allowed.is_empty() { Err(Error::NotFound(Resource::Path)) } else { Err(Error::MethodNotAllowed { allow: allowed.join(", ") }) }
}
