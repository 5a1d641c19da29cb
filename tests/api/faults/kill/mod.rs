//! The process dies before any one change that a money operation makes: each is there wholly or not at all, and once.
//!
//! A test does not list the points. It dies at the first, the second, the third … statement, until the operation
//! survives because it has no more of them.

mod clock;
mod command_line;
mod requests;
mod sandbox;

use super::shop::{Shop, Who};
use crate::harness::{Answer, command};
use serde_json::{Value, json};
use std::process::Command;

/// Every operation has at least so many points: fewer would mean that nobody counts them.
const FEWEST: u32 = 10;
/// And far fewer than this.
const MOST: u32 = 300;

fn doomed(shop: &Shop) -> Command {
    let mut command = command();
    command.env("FAILPOINT", shop.path("failpoint"));
    command
}

impl Shop {
    fn arm(&self, point: u32) {
        // Seen whole or not at all.
        std::fs::write(self.path("armed"), point.to_string()).unwrap();
        std::fs::rename(self.path("armed"), self.path("failpoint")).unwrap();
    }

    fn disarm(&self) {
        let _ = std::fs::remove_file(self.path("failpoint"));
    }

    /// The operation has no such point any more.
    fn survived(&self, point: u32) {
        assert!(point > FEWEST, "only {} points", point - 1);
        self.verify();
    }

    /// A task whose proof is submitted by a new human, whom the agent referred.
    fn task_of_referred(&self, number: u32) -> String {
        let code = self.client(Who::Agent).get("/my/referrals").ok(200)["referralCode"].clone();
        let email = format!("referred-{number}@example.com");
        let account = json!({ "email": email, "password": "correct horse", "role": "human", "referralCode": code });
        let registered = self.client(Who::Anyone).post("/public/auth/register", &account).ok(201);
        let human = self.client(Who::Anyone).with_token(registered["idToken"].as_str().unwrap());
        let (_, task) = self.task(&[]);
        for (action, body) in [("apply", json!({})), ("submit", json!({ "proof": "Three photos" }))] {
            human.post(&format!("/tasks/{task}/{action}"), &body).ok(201);
        }
        task
    }

    /// After the server has died: what is on disk is sound, and a new one takes over.
    fn recover(&mut self) {
        self.server.take().unwrap().wait();
        self.take_over();
    }

    /// SIGKILL at this moment.
    fn kill_and_recover(&mut self) {
        self.server.take().unwrap().kill();
        self.take_over();
    }

    fn take_over(&mut self) {
        self.disarm();
        self.verify();
        self.start();
        // What a start sweeps is swept then, and is no point of the operation.
        for _ in 0..2 {
            self.client(Who::Agent).patch("/notifications", &json!({ "all": true })).ok(200);
        }
    }
}

/// A request, and how to count its effects.
struct Deed {
    who: Who,
    path: String,
    body: Value,
    effects: (&'static str, String),
}

const ENDED: &str = "SELECT count(*) FROM escrow WHERE task_id = ?1 AND status <> 'held'";
const BONUS: &str = "SELECT count(*) FROM transfer WHERE task_id = ?1 AND kind = 'referral_bonus'";
const KEYS: &str = "SELECT count(*) FROM idempotency_key WHERE key = ?1";

impl Deed {
    fn send(&self, shop: &Shop, key: &str) -> Result<Answer, ureq::Error> {
        shop.client(self.who).try_send("POST", &self.path, &[("Idempotency-Key", key)], self.body.to_string().as_bytes())
    }

    fn effects(&self, shop: &Shop) -> i64 {
        shop.count(self.effects.0, &self.effects.1)
    }
}

/// Dies at each point of what `prepare` makes ready, and asks again with the same key; at last it dies right after the
/// answer.
fn at_every_point(prepare: impl Fn(&Shop, u32) -> Deed) {
    let (mut shop, mut unheard, mut point) = (Shop::open(doomed), 0, 0);
    for round in 1.. {
        point += 1;
        let (deed, key) = (prepare(&shop, round), format!("deed-{round}"));
        shop.arm(point);
        if let Ok(answer) = deed.send(&shop, &key) {
            assert!(answer.status < 300, "point {point}: {}", answer.text);
            if unheard == 0 {
                // The index of texts takes now more statements, now fewer: the last point of all was passed over.
                assert!(point > FEWEST && round < MOST, "it never died between the commit and the answer");
                shop.disarm();
                point -= 3;
                continue;
            }
            shop.kill_and_recover();
            let again = deed.send(&shop, &key).unwrap();
            assert_eq!((again.header("Idempotency-Replayed"), again.status), (Some("true"), answer.status));
            assert_eq!(without_keys(&again.text), without_keys(&answer.text), "what was acknowledged is there");
            assert_eq!((deed.effects(&shop), shop.count(KEYS, &key)), (1, 1));
            return shop.survived(point);
        }
        shop.recover();
        let done = deed.effects(&shop);
        assert_eq!(done, shop.count(KEYS, &key), "point {point}: an effect and its key are one");
        let answer = deed.send(&shop, &key).unwrap();
        assert!(answer.status < 300, "point {point}: {}", answer.text);
        assert_eq!(answer.header("Idempotency-Replayed").is_some(), done == 1, "point {point}");
        assert_eq!((deed.effects(&shop), shop.count(KEYS, &key)), (1, 1), "point {point}");
        unheard += done;
    }
}

/// The answer without the keys that are shown only once.
fn without_keys(text: &str) -> String {
    let mut parts = text.split("sk_test_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + part.split_once('"').map_or("", |(_, rest)| rest))
}
