//! What stands between the socket and hyper: it lets through only whole, judged heads and the bodies they announce.

use super::head::{Framing, Head, judge};
use super::{Limits, Refusal};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

const READ_BYTES: usize = 16 * 1_024;

pub struct Gate {
    stream: TcpStream,
    limits: Limits,
    /// Received, not yet passed on.
    buffer: Vec<u8>,
    /// How many bytes may pass before the next head must be judged.
    admitted: u64,
    /// After a chunked body, whose end only hyper knows, the connection closes: everything passes.
    chunked: bool,
    refusal: Option<Refusal>,
    /// When the next head must have begun or, begun, be whole.
    head_deadline: Pin<Box<Sleep>>,
    head_begun: bool,
    /// When a write that makes no progress is given up.
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl Gate {
    pub fn new(stream: TcpStream, limits: Limits) -> Self {
        Gate {
            stream,
            limits,
            buffer: Vec::new(),
            admitted: 0,
            chunked: false,
            refusal: None,
            // A new connection is expected to begin at once, as a head is to go on.
            head_deadline: Box::pin(sleep(limits.head_timeout)),
            head_begun: false,
            write_deadline: None,
        }
    }

    /// Why the last head was refused; hyper saw an end of the stream instead.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Moves bytes that may pass from the buffer to the reader.
    fn pass(&mut self, out: &mut ReadBuf<'_>) {
        let allowed = usize::try_from(self.admitted).unwrap_or(usize::MAX);
        let length = self.buffer.len().min(allowed).min(out.remaining());
        out.put_slice(self.buffer.get(..length).unwrap_or_default());
        self.buffer.drain(..length);
        if !self.chunked {
            self.admitted -= length as u64;
        }
        if self.admitted == 0 {
            self.expect_head();
        }
    }

    fn expect_head(&mut self) {
        self.head_begun = false;
        self.head_deadline.as_mut().reset(Instant::now() + self.limits.idle_timeout);
    }

    /// Reads more; false is the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut bytes = [MaybeUninit::uninit(); READ_BYTES];
        let mut read = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.buffer.extend_from_slice(read.filled());
        Poll::Ready(Ok(!read.filled().is_empty()))
    }

    /// Judges what is there of the next head. `Some` when hyper has nothing more to read.
    fn judge(&mut self) -> Option<()> {
        // Some clients send an empty line after a body (RFC 9112 §2.2).
        let blank = self.buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.buffer.drain(..blank.min(4));
        match judge(&self.buffer, &self.limits) {
            Head::Complete(head, Framing::Length(body)) => self.admitted = head as u64 + body,
            Head::Complete(_, Framing::Chunked) => (self.admitted, self.chunked) = (u64::MAX, true),
            Head::Refused(refusal) => {
                self.refusal = Some(refusal);
                return Some(());
            }
            Head::Incomplete => {
                if !self.head_begun && !self.buffer.is_empty() {
                    self.head_begun = true;
                    self.head_deadline.as_mut().reset(Instant::now() + self.limits.head_timeout);
                }
            }
        }
        None
    }

    /// Counts the time of a write that makes no progress.
    fn watch_write<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write_deadline = None;
            return poll;
        }
        let timeout = self.limits.write_timeout;
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Gate {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            if gate.refusal.is_some() {
                return Poll::Ready(Ok(()));
            }
            if gate.admitted > 0 && !gate.buffer.is_empty() {
                gate.pass(out);
                return Poll::Ready(Ok(()));
            }
            if gate.admitted == 0 {
                if gate.judge().is_some() {
                    return Poll::Ready(Ok(()));
                }
                if gate.admitted > 0 {
                    continue;
                }
                if gate.head_deadline.as_mut().poll(cx).is_ready() {
                    gate.refusal = gate.head_begun.then_some(Refusal::RequestTimeout);
                    return Poll::Ready(Ok(()));
                }
            }
            if !ready!(gate.poll_fill(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let poll = Pin::new(&mut gate.stream).poll_write(cx, bytes);
        gate.watch_write(cx, poll)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let poll = Pin::new(&mut gate.stream).poll_write_vectored(cx, bytes);
        gate.watch_write(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// hyper says here that it has written all it had; the stream stays open, for there may be a refusal to say.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
