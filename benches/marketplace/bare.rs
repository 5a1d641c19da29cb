//! The bare server: hyper on one thread, which answers whatever it is asked with the same bytes.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::TcpListener;

/// Starts one that answers with this head's headers and this body; its address. It lives as long as the bench.
pub fn start(status: u16, headers: Vec<(String, String)>, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let body = Bytes::from(body);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (headers, body) = (headers.clone(), body.clone());
                let answer = move |request: Request<Incoming>| {
                    let (headers, body) = (headers.clone(), body.clone());
                    async move {
                        let _ = request.into_body().collect().await;
                        let mut answer = Response::builder().status(status);
                        for (name, value) in headers {
                            answer = answer.header(name, value);
                        }
                        Ok::<_, Infallible>(answer.body(Full::new(body)).unwrap())
                    }
                };
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
            }
        });
    });
    address
}
