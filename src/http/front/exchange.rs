//! One request and its answer: read the whole body, hand the request to the pool, await the reply.

use super::places::Place;
use super::{Handler, Refusal, Shared};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, StatusCode};
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub type Answer = Response<Full<Bytes>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What becomes of a connection that waits for an answer.
enum Sending {
    Now(Answer),
    After(Duration, Answer),
    /// It is closed without one.
    Never,
}

/// Where a request's answer goes, once, from any thread. Dropped unsent (a panic), it answers with
/// [`Refusal::Internal`].
pub struct Reply {
    sender: Option<oneshot::Sender<Sending>>,
    handler: Arc<dyn Handler>,
    peer: IpAddr,
}

impl Reply {
    pub fn send(mut self, response: rouille::Response) {
        self.deliver(Sending::Now(convert(response)));
    }

    /// Sends it late; only the connection waits, and the end of the server cuts the wait short.
    pub fn send_after(mut self, delay: Duration, response: rouille::Response) {
        self.deliver(Sending::After(delay, convert(response)));
    }

    /// Closes the connection without an answer.
    pub fn close(mut self) {
        self.deliver(Sending::Never);
    }

    fn deliver(&mut self, sending: Sending) {
        if let Some(sender) = self.sender.take() {
            // A client that has gone needs no answer.
            let _ = sender.send(sending);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.sender.is_some() {
            let response = self.handler.refuse(self.peer, Refusal::Internal);
            self.deliver(Sending::Now(convert(response)));
        }
    }
}

/// Answers one request; an error closes the connection without an answer, as a truncated body does.
pub async fn answer(request: Request<Incoming>, peer: SocketAddr, place: Arc<Place>, shared: Arc<Shared>) -> Result<Answer, BoxError> {
    let (head, body) = request.into_parts();
    // Where a chunked body ends only hyper knows, so the gate cannot judge what follows it.
    let chunked = head.headers.contains_key(TRANSFER_ENCODING);
    let refuse = |refusal| Ok(closing(convert(shared.handler.refuse(peer.ip(), refusal))));
    let body = match read(body, &shared).await? {
        Ok(body) => body,
        Err(refusal) => return refuse(refusal),
    };
    let Some(request) = to_rouille(&head, body, peer) else {
        return refuse(Refusal::BadRequest("Every header must be readable text (UTF-8)"));
    };
    if !place.keep() {
        return Err("its place was given up while it was read".into());
    }
    let (sender, receiver) = oneshot::channel();
    let reply = Reply { sender: Some(sender), handler: Arc::clone(&shared.handler), peer: peer.ip() };
    let handler = Arc::clone(&shared.handler);
    shared.pool.run(move |place| match place {
        Ok(()) => handler.handle(request, reply),
        Err(_) => reply.send(handler.refuse(peer.ip(), Refusal::Overloaded)),
    });
    let answer = match receiver.await? {
        Sending::Now(answer) => answer,
        Sending::After(delay, answer) => {
            let mut stopped = shared.stopped.clone();
            let _ = timeout(delay, stopped.wait_for(|stopped| *stopped)).await;
            answer
        }
        Sending::Never => return Err("the answer is withheld".into()),
    };
    place.wait();
    Ok(if chunked { closing(answer) } else { answer })
}

/// The whole body, or why it is refused.
async fn read(body: Incoming, shared: &Shared) -> Result<Result<Vec<u8>, Refusal>, BoxError> {
    let limits = &shared.limits;
    // Announced too long, it is refused before the client is told to go on.
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Ok(Err(Refusal::PayloadTooLarge));
    }
    match timeout(limits.body_timeout, Limited::new(body, limits.body_bytes).collect()).await {
        Ok(Ok(body)) => Ok(Ok(body.to_bytes().into())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Ok(Err(Refusal::PayloadTooLarge)),
        Ok(Err(error)) if is_malformed(error.as_ref()) => Ok(Err(Refusal::BadRequest("The body's chunks are malformed"))),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Err(Refusal::RequestTimeout)),
    }
}

/// Whether the client wrote what is no chunk, rather than went away.
fn is_malformed(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let malformed = matches!(io, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData));
    malformed || error.source().is_some_and(is_malformed)
}

fn to_rouille(head: &hyper::http::request::Parts, body: Vec<u8>, peer: SocketAddr) -> Option<rouille::Request> {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
    let headers = head.headers.iter().map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect::<Option<_>>()?;
    Some(rouille::Request::fake_http_from(peer, head.method.as_str(), target, headers, body))
}

/// rouille's response as hyper's.
pub fn convert(response: rouille::Response) -> Answer {
    let (mut reader, size) = response.data.into_reader_and_size();
    let mut bytes = Vec::with_capacity(size.unwrap_or_default());
    if let Err(error) = reader.read_to_end(&mut bytes) {
        log::error!("an answer's body could not be read: {error}");
    }
    let mut answer = Response::new(Full::new(Bytes::from(bytes)));
    *answer.status_mut() = StatusCode::from_u16(response.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            answer.headers_mut().append(name, value);
        }
    }
    answer
}

fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
