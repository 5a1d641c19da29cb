//! More connections than the server has places for, and a second server on the file.

use super::shop::{NO_LIMITS, Shop, Who};
use crate::harness::{Client, Server, command, run};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

/// Half of these are for connections.
const DESCRIPTORS: &str = "100";
const IDLE: usize = 200;
const DRIPPING: usize = 100;

fn confined(_: &Shop) -> Command {
    let binary = command().get_program().to_owned();
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().current_dir(std::env::temp_dir()).arg("-c").arg(format!("ulimit -n {DESCRIPTORS} && exec \"$0\" \"$@\"")).arg(binary);
    shell
}

#[test]
fn idle_and_dripping_connections_beyond_all_file_descriptors_shut_nobody_out() {
    let shop = Shop::open(confined);
    let agent = shop.client(Who::Agent);
    let address = agent.url().trim_start_matches("http://").to_owned();
    let connect = || TcpStream::connect(&address).unwrap();
    let idle: Vec<_> = (0..IDLE).map(|_| connect()).collect();
    let mut dripping: Vec<_> = (0..DRIPPING).map(|_| connect()).collect();
    let head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    for drop in head.iter().chain(&[b'x'; 40]) {
        for stream in &mut dripping {
            // Those that gave up their places are told so here.
            let _ = stream.write_all(&[*drop]);
        }
        // Nobody's connection is kept from one request to the next.
        Client::new(agent.url(), agent.token()).post("/tasks", &Server::example_with(&json!({ "budget": 1 }))).ok(201);
    }
    assert_eq!(agent.get("/tasks").json()["pagination"]["total"], head.len() + 40);
    drop((idle, dripping));
    shop.verify();
}

#[test]
fn a_second_server_on_the_file_is_refused_and_the_first_goes_on() {
    let shop = Shop::open(|_| command());
    let data = shop.data();
    let second = run(&[&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()][..], &NO_LIMITS].concat(), "");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && said.contains("another server has") && said.contains("--data"), "{said}");
    shop.create(&json!({})).ok(201);
}
