//! What time causes: the clock's thread moves the money, and nobody asks again but the next clock.

use super::super::shop::{Shop, Who};
use super::{BONUS, ENDED, doomed};
use std::time::{Duration, Instant};

const TOLD: &str = "SELECT count(*) FROM event WHERE task_id = ?1 AND type IN ('task.expired', 'task.completed', 'task.refunded')";

/// Dies at each point of what the clock does to the task that `prepare` makes; the next clock ends it.
fn at_every_tick(prepare: impl Fn(&Shop, u32) -> String, status: &str, bonuses: i64) {
    let mut shop = Shop::open(doomed);
    for point in 1.. {
        let task = prepare(&shop, point);
        let database = rusqlite::Connection::open(shop.data()).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        let passed = "UPDATE task SET deadline = 1, submitted_at = 1, dispute_until = 1 WHERE id = ?1";
        shop.arm(point);
        database.execute(passed, [&task]).unwrap();
        drop(database);
        if becomes(&shop, &task, status) {
            // The commit is seen before the point that follows it: only the next write tells whether the writer lives.
            shop.disarm();
            if shop.client(Who::Agent).try_send("PATCH", "/notifications", &[], br#"{"all":true}"#).is_ok() {
                return shop.survived(point);
            }
        }
        shop.recover();
        assert!(becomes(&shop, &task, status), "point {point}");
        let happened = [ENDED, TOLD, BONUS].map(|effect| shop.count(effect, &task));
        assert_eq!(happened, [1, 1, bonuses], "point {point}");
    }
}

/// Waits for the task's status; false if the server dies meanwhile.
fn becomes(shop: &Shop, task: &str, status: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Ok(answer) = shop.client(Who::Agent).try_send("GET", &format!("/tasks/{task}"), &[], b"") {
        if answer.ok(200)["status"] == status {
            return true;
        }
        assert!(Instant::now() < deadline, "{task} does not become {status}");
    }
    false
}

#[test]
fn the_clock_expires_a_task() {
    at_every_tick(|shop, _| shop.task(&["apply"]).1, "expired", 0);
}

#[test]
fn the_clock_approves_a_submission() {
    at_every_tick(|shop, _| shop.task(&["apply", "submit"]).1, "completed", 0);
}

#[test]
fn the_clock_approves_the_first_submission_of_a_referred_account() {
    at_every_tick(Shop::task_of_referred, "completed", 1);
}

#[test]
fn the_clock_refunds_after_a_rejection() {
    at_every_tick(|shop, _| shop.task(&["apply", "submit", "reject"]).1, "refunded", 0);
}
