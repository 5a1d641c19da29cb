//! Tasks whose time has come and on which the clock always fails: they keep nobody else waiting, and fill no log.

use super::shop::{Shop, Who};
use crate::harness::command;
use rusqlite::Connection;
use serde_json::json;
use std::time::{Duration, Instant};

/// More than the clock takes at once.
const POISONED: usize = 60;

/// Whatever happens to a task with this title fails from now on.
const POISON: &str = "CREATE TRIGGER poison BEFORE INSERT ON event WHEN (SELECT title FROM task WHERE id = NEW.task_id) = 'Poison'
  BEGIN SELECT RAISE(ABORT, 'poison'); END";

fn change(shop: &Shop) -> Connection {
    let database = Connection::open(shop.data()).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database
}

fn becomes(shop: &Shop, task: &str, status: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while shop.client(Who::Agent).get(&format!("/tasks/{task}")).ok(200)["status"] != status {
        assert!(Instant::now() < deadline, "{task} does not become {status}");
    }
}

/// A market with poisoned tasks, and two others that are due later.
fn poisoned() -> (Shop, [String; 2]) {
    let shop = Shop::open(|_| command());
    for _ in 0..POISONED {
        shop.create(&json!({ "title": "Poison", "budget": 0.01 })).ok(201);
    }
    let others = [shop.task(&[]).1, shop.task(&[]).1];
    change(&shop).execute_batch(POISON).unwrap();
    (shop, others)
}

#[test]
fn work_that_always_fails_holds_nothing_back_and_is_logged_once() {
    let (mut shop, [first, second]) = poisoned();
    let database = change(&shop);
    database.execute("UPDATE task SET deadline = 1000 WHERE title = 'Poison'", []).unwrap();
    for later in [&first, &second] {
        database.execute("UPDATE task SET deadline = 2000 WHERE id = ?1", [later]).unwrap();
        becomes(&shop, later, "expired");
    }
    assert_eq!(shop.logged("could not act on task_"), POISONED);
    // Whoever takes the cause away has it done at the next start at the latest.
    database.execute_batch("DROP TRIGGER poison").unwrap();
    drop(database);
    assert!(shop.server.take().unwrap().terminate());
    shop.start();
    let left = || shop.count("SELECT count(*) FROM task WHERE status = ?1", "open");
    let deadline = Instant::now() + Duration::from_secs(20);
    while left() > 0 {
        assert!(Instant::now() < deadline, "{} are left", left());
    }
    shop.verify();
}

#[test]
fn whoever_moves_the_test_clock_passes_them_by_and_does_the_rest() {
    let (shop, others) = poisoned();
    let moved = shop.client(Who::Agent).post("/test/clock/advance", &json!({ "seconds": 31 * 86_400 })).ok(200);
    assert_eq!(moved["expired"], others.len());
    assert_eq!(shop.logged("could not act on task_"), POISONED);
    shop.verify();
}
