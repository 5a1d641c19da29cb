//! `humans2ai admin …` dies over the file, beside a running server or alone with it.

use super::super::shop::Shop;
use super::{ENDED, doomed};
use crate::harness::{command, run, run_by};
use serde_json::json;

/// A command, and how to count its effects.
struct Errand {
    args: Vec<String>,
    effects: (&'static str, String),
}

impl Errand {
    fn effects(&self, shop: &Shop) -> i64 {
        shop.count(self.effects.0, &self.effects.1)
    }
}

/// Runs what `prepare` makes ready and dies at each point of it; whoever runs it again has it done, and once.
fn at_every_point(beside_a_server: bool, prepare: impl Fn(&Shop, u32) -> Errand) {
    let (mut shop, mut unheard) = (Shop::open(|_| command()), 0);
    if !beside_a_server {
        assert!(shop.server.take().unwrap().terminate());
    }
    for point in 1.. {
        let errand = prepare(&shop, point);
        let data = shop.data();
        let args: Vec<_> = errand.args.iter().map(String::as_str).chain(["--data", data.to_str().unwrap()]).collect();
        shop.arm(point);
        let first = run_by(doomed(&shop), &args, PASSWORD);
        shop.disarm();
        if first.status.code().is_some() {
            assert!(first.status.success(), "point {point}: {}", String::from_utf8_lossy(&first.stderr));
            assert!(unheard > 0, "it never died between the commit and the answer");
            assert_eq!(errand.effects(&shop), 1);
            return shop.survived(point);
        }
        shop.verify();
        let done = errand.effects(&shop);
        if beside_a_server {
            shop.create(&json!({ "budget": 0.01 })).ok(201);
        }
        let again = run(&args, PASSWORD);
        // What is done already is told again, or refused as done.
        assert!(again.status.success() || done == 1, "point {point}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(errand.effects(&shop), 1, "point {point}");
        unheard += done;
    }
}

const PASSWORD: &str = "correct horse";

fn errand(words: &[&str], effects: (&'static str, String)) -> Errand {
    Errand { args: ["admin"].iter().chain(words).map(|word| (*word).to_owned()).collect(), effects }
}

fn movement(command: &str, shop: &Shop, point: u32) -> Errand {
    let reference = format!("bank-{point}");
    let words = [command, &shop.agent_id, "2.000001", "--reference", &reference];
    errand(&words, ("SELECT count(*) FROM transfer WHERE reference = ?1", reference.clone()))
}

fn decision(outcome: &[&str], shop: &Shop) -> Errand {
    let (dispute, task) = shop.task(&["apply", "submit", "reject", "dispute"]);
    errand(&[&["resolve", &dispute], outcome].concat(), (ENDED, task))
}

#[test]
fn depositing_beside_a_server() {
    at_every_point(true, |shop, point| movement("deposit", shop, point));
}

#[test]
fn depositing_without_a_server() {
    at_every_point(false, |shop, point| movement("deposit", shop, point));
}

#[test]
fn withdrawing_beside_a_server() {
    at_every_point(true, |shop, point| movement("withdraw", shop, point));
}

#[test]
fn releasing_a_disputed_budget() {
    at_every_point(true, |shop, _| decision(&["release"], shop));
}

#[test]
fn refunding_a_disputed_budget() {
    at_every_point(true, |shop, _| decision(&["refund"], shop));
}

#[test]
fn splitting_a_disputed_budget() {
    at_every_point(true, |shop, _| decision(&["split", "--percent", "33"], shop));
}

#[test]
fn making_an_operator_with_a_grant() {
    let grants = "SELECT count(*) FROM user u JOIN account a ON a.owner = u.id JOIN transfer t ON t.credit_account = a.id
      WHERE u.email = ?1 AND t.kind = 'grant'";
    at_every_point(true, |_, point| {
        let email = format!("operator-{point}@example.com");
        errand(&["create", &email, "--password-stdin"], (grants, email.clone()))
    });
}
