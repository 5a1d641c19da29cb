//! One connection, from its first byte to its last.

use super::exchange::{self, Answer};
use super::gate::Gate;
use super::places::Place;
use super::{Limits, Refusal, Shared};
use http_body_util::{BodyExt, Collected};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::fmt::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long, and for how many bytes, a closed connection is still read, so that the client sees its last answer and not
/// a reset.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1_024 * 1_024;

pub async fn serve(stream: TcpStream, peer: SocketAddr, place: Arc<Place>, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let limits = shared.limits;
    let service = service_fn(|request| Box::pin(exchange::answer(request, peer, Arc::clone(&place), Arc::clone(&shared))));
    let io = TokioIo::new(Gate::new(stream, limits));
    let mut connection = http1::Builder::new()
        .half_close(true)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes * 2)
        .serve_connection(io, service);
    let finished = tokio::select! {
        // An answer that is due after the stop says that it is the last.
        biased;
        _ = stopped.changed() => None,
        result = &mut connection => Some(result),
    };
    let result = if let Some(result) = finished {
        result
    } else {
        Pin::new(&mut connection).graceful_shutdown();
        (&mut connection).await
    };
    if let Err(error) = result {
        log::debug!("connection of {peer}: {error}");
        return;
    }
    let gate = connection.into_parts().io.into_inner();
    let refusal = gate.refusal();
    if refusal.is_some() || !*stopped.borrow() {
        let _ = close(gate.into_stream(), refusal, peer, &shared, &limits).await;
    }
}

/// Says why, if the last head was refused, and closes so that it is heard.
async fn close(mut stream: TcpStream, refusal: Option<Refusal>, peer: SocketAddr, shared: &Shared, limits: &Limits) -> std::io::Result<()> {
    if let Some(refusal) = refusal {
        let bytes = bytes(exchange::convert(shared.handler.refuse(peer.ip(), refusal))).await;
        timeout(limits.write_timeout, stream.write_all(&bytes)).await??;
    }
    stream.shutdown().await?;
    let mut rest = [0; 4_096];
    let drain = async {
        let mut drained = 0;
        while drained < LINGER_BYTES {
            match stream.read(&mut rest).await {
                Ok(length) if length > 0 => drained += length,
                _ => break,
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
    Ok(())
}

/// The answer as it goes over the wire, closing the connection.
async fn bytes(answer: Answer) -> Vec<u8> {
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let mut head = format!("HTTP/1.1 {}\r\n", parts.status);
    for (name, value) in &parts.headers {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let _ = write!(head, "Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body].concat()
}
