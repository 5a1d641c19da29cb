//! Webhooks: how many deliveries reach 100 healthy receivers, beside what those can take.

use crate::client::Client;
use crate::disk::Disk;
use crate::load::{Load, measure};
use crate::server::Server;
use crate::{SECONDS, bare, title};
use rusqlite::Connection;
use std::time::Instant;

const ACCOUNTS: usize = 5;
/// As many as an account may have.
const ENDPOINTS: usize = 20;
const TASKS: usize = 100;

pub fn measure_deliveries(disk: &Disk) {
    title(&format!("webhook deliveries/s to {} healthy receivers", ACCOUNTS * ENDPOINTS));
    let receiver = bare::start(200, Vec::new(), String::new());
    let path = disk.file("deliveries.db");
    let server = Server::start(disk, &path, &[]);
    let agents: Vec<Client> = (0..ACCOUNTS).map(|number| subscribed(&server, number, &receiver)).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for agent in &agents {
            scope.spawn(|| (0..TASKS).for_each(|_| drop(agent.create_task())));
        }
    });
    let created = begun.elapsed();
    let pending = "SELECT ifnull(sum(deliveries), 0) FROM delivery_count WHERE state = 'pending'";
    let database = Connection::open(&path).unwrap();
    while database.query_row(pending, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let all = ACCOUNTS * ENDPOINTS * TASKS;
    let rate = all as f64 / begun.elapsed().as_secs_f64();
    let delivered: usize = database
        .query_row("SELECT sum(deliveries) FROM delivery_count WHERE state = 'delivered'", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(delivered, all);
    let bare = measure(ACCOUNTS * ENDPOINTS, SECONDS, &Load::post(&Client::new(&receiver, ""), "/hook")).per_second();
    println!("{all} deliveries of {} events, all created after {:.1} s", ACCOUNTS * TASKS, created.as_secs_f64());
    println!(
        "{rate:.0}/s, each signed, and its attempt recorded durably; the receivers take {bare:.0} bare POSTs/s ({:.0}%)",
        100.0 * rate / bare
    );
}

fn subscribed(server: &Server, number: usize, receiver: &str) -> Client {
    let account = server.account(&format!("bench-{number}@example.com"));
    for endpoint in 0..ENDPOINTS {
        account.call("POST", "/webhooks", &format!(r#"{{"url":"http://{receiver}/{endpoint}","events":["task.created"]}}"#));
    }
    account
}
