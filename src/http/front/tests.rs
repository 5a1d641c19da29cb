//! What the black-box tests cannot make happen: panics, deferred answers, time running out.

use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Answers by path, in every way an answer can come.
struct Paths;

impl Handler for Paths {
    fn handle(&self, request: rouille::Request, reply: Reply) {
        match request.raw_url() {
            "/panic" => panic!("asked to"),
            "/drop" => drop(reply),
            "/later" => {
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(100));
                    reply.send(rouille::Response::text("later"));
                });
            }
            _ => reply.send(rouille::Response::text("now")),
        }
    }

    fn refuse(&self, _: IpAddr, refusal: Refusal) -> rouille::Response {
        rouille::Response::text(format!("{refusal:?}")).with_status_code(418)
    }
}

fn start() -> (Running, SocketAddr) {
    let short = Duration::from_millis(150);
    start_with(Limits { head_timeout: short, body_timeout: short, idle_timeout: short, threads: 2, ..Limits::default() })
}

fn start_with(limits: Limits) -> (Running, SocketAddr) {
    let front = Front::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = front.local_addr().unwrap();
    (front.start(Arc::new(Paths), limits).unwrap(), address)
}

/// Everything the server says until it closes.
fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[test]
fn a_panic_and_a_dropped_reply_are_answered_and_the_server_lives_on() {
    let (_running, address) = start();
    for path in ["/panic", "/drop", "/panic", "/panic", "/panic"] {
        assert!(exchange(address, &get(path)).contains("Internal"), "{path}");
    }
    assert!(exchange(address, &get("/")).contains("now"));
}

#[test]
fn an_answer_may_come_later_and_from_another_thread() {
    let (_running, address) = start();
    let answer = exchange(address, &[get("/later"), get("/")].concat());
    assert!(answer.find("later").unwrap() < answer.find("now").unwrap());
}

#[test]
fn a_head_or_body_that_does_not_arrive_in_time_is_refused() {
    let (_running, address) = start();
    assert!(exchange(address, "GET / HT").contains("RequestTimeout"));
    assert!(exchange(address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc").contains("RequestTimeout"));
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let (_running, address) = start();
    assert_eq!(exchange(address, ""), "");
    assert!(exchange(address, &get("/")).ends_with("now"));
}

#[test]
fn a_stop_lets_requests_in_flight_finish() {
    let (mut running, address) = start();
    let client = std::thread::spawn(move || exchange(address, &get("/later")));
    std::thread::sleep(Duration::from_millis(50));
    running.shut();
    assert!(client.join().unwrap().contains("later"));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let (_running, address) = start();
    let mut stream = TcpStream::connect(address).unwrap();
    for byte in get("/").bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("now"));
}

#[test]
fn when_all_places_are_taken_the_longest_idle_connection_gives_way_and_one_in_service_does_not() {
    let (_running, address) = start_with(Limits { connections: 3, ..Limits::default() });
    let connect = || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    };
    let mut served = connect();
    served.write_all(get("/later").as_bytes()).unwrap();
    let (mut idle, mut dripping) = (connect(), connect());
    dripping.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc").unwrap();
    for _ in 0..4 {
        let answer = exchange(address, &get("/").replace("Host", "Connection: close\r\nHost"));
        assert!(answer.contains("now"), "{answer:?}");
    }
    served.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    served.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("later"));
    let mut rest = Vec::new();
    assert!(matches!(idle.read_to_end(&mut rest), Ok(0) | Err(_)), "it is closed without a word");
}
