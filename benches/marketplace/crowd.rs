//! A healthy client among hostile connections: 1 000 that say nothing, and 500 that send a byte now and then.

use crate::client::{Client, TASK};
use crate::disk::Disk;
use crate::load::Figures;
use crate::server::Server;
use crate::{SECONDS, title};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const IDLE: usize = 1_000;
const DRIPPING: usize = 500;

pub fn measure_crowd(disk: &Disk) {
    title(&format!("a healthy client (create, then read, on a new connection each) beside {IDLE} idle and {DRIPPING} dripping ones"));
    let server = Server::start(disk, &disk.file("crowd.db"), &[]);
    let agent = server.agent();
    let alone = healthy(&agent);
    let (complete, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let crowded = std::thread::scope(|scope| {
        let hostile = scope.spawn(|| crowd(agent.address(), &complete, &over));
        while !complete.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let crowded = healthy(&agent);
        over.store(true, Ordering::Relaxed);
        println!("{} hostile connections were made, those that lost their places again", hostile.join().unwrap());
        crowded
    });
    println!("alone:   p50 / p99 / p99.9 ms {}", alone.tail());
    println!("crowded: p50 / p99 / p99.9 ms {}", crowded.tail());
}

fn healthy(agent: &Client) -> Figures {
    let begun = Instant::now();
    let mut latencies = Vec::new();
    while begun.elapsed() < SECONDS {
        for (method, path, body) in [("POST", "/tasks", TASK), ("GET", "/tasks", "")] {
            let sent = Instant::now();
            agent.call(method, path, body);
            latencies.push(sent.elapsed().as_secs_f64() * 1_000.0);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Figures::of(latencies, begun.elapsed())
}

/// Keeps the crowd complete until it is over; how many connections it took.
fn crowd(address: &str, complete: &AtomicBool, over: &AtomicBool) -> usize {
    let connect = || TcpStream::connect(address).unwrap();
    let head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    let mut idle: Vec<_> = (0..IDLE).map(|_| connect()).collect();
    let mut dripping: Vec<_> = (0..DRIPPING).map(|number| (connect(), number % head.len())).collect();
    for (stream, sent) in &mut dripping {
        let _ = stream.write_all(&head[..*sent]);
    }
    let mut made = IDLE + DRIPPING;
    complete.store(true, Ordering::Relaxed);
    while !over.load(Ordering::Relaxed) {
        for (stream, sent) in &mut dripping {
            *sent += 1;
            if stream.write_all(&[head.get(*sent).copied().unwrap_or(b'x')]).is_err() {
                (*stream, *sent) = (connect(), 0);
                made += 1;
            }
        }
        for stream in &mut idle {
            if is_closed(stream) {
                *stream = connect();
                made += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    made
}

fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let closed =
        matches!(stream.peek(&mut [0]), Ok(0)) || stream.peek(&mut [0]).is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    closed
}
